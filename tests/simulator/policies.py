"""Rules in the simulator: drawn by the seed, heard of by each process at its own time, judged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import cache
from random import Random
from typing import TYPE_CHECKING

from services.inventory.model import Status as Held
from services.kit.message import Mode, SagaId
from services.order.model import Status
from services.payment.model import Status as Money
from services.policy.evidence import Kind
from services.policy.rulebook import Rulebook, compile_rules
from services.policy.rules import Effect, Hold, Limit, Rule, RuleSet
from services.policy.ruling import Minute, Verdict
from services.policy.steps import DONE, PARTICIPANTS, reason_of
from tests.simulator.auditing import audited
from tests.simulator.repositories import OrderRow

if TYPE_CHECKING:
    from tests.simulator.world import World

DRUMS = "order.items.exists(item, item.sku == 'drums' || item.sku == 'piano')"
AN_HOUR = 3_600.0


def draw_rules(random: Random) -> tuple[Rule, ...]:
    """Half of all schedules have none; the others one to three, of every effect."""
    if random.random() < 0.5:
        return ()
    step = random.choice(("ReserveStock", "AuthorizePayment", "ArrangeShipment"))
    after = random.choice(
        (("AuthorizePayment", "StockReserved"), ("ReserveStock", "PaymentAuthorized"))
    )
    pool = [
        Rule(name="no-drums", guards=step, effect=Effect.DENY, when=DRUMS),
        Rule(name="a-look", guards=step, effect=Effect.HOLD, hold=_hold(random)),
        Rule(name="one-each", guards=step, effect=Effect.LIMIT, limit=Limit(1, AN_HOUR)),
        Rule(name="one-first", guards=after[0], effect=Effect.REQUIRE, after=(after[1],)),
        Rule(name="first-look", guards="ReserveStock", effect=Effect.HOLD, hold=_hold(random)),
        Rule(name="seen", guards="CapturePayment", effect=Effect.DENY, mode="audit"),
        Rule(
            name="named",
            guards=after[0],
            effect=Effect.DENY,
            when=f"facts.{after[1]} && {DRUMS}",
        ),
        Rule(name="fails", guards=step, effect=Effect.DENY, when="1 / 0 > 0", on_error="open"),
    ]
    return tuple(random.sample(pool, random.choice((1, 2, 3))))


def _hold(random: Random) -> Hold:
    return Hold(random.choice((1.0, 4.0, 20.0, AN_HOUR, AN_HOUR)), random.choice(("deny", "allow")))


@cache
def book_of(rules: RuleSet) -> Rulebook:
    return compile_rules(rules)


def broken_rules(world: World) -> Iterator[str]:
    """Each step that was done was allowed by every rule, once; what was denied was not done."""
    minutes = [m for name in (*PARTICIPANTS, "orchestrator") for m in world.stores[name].decisions]
    yield from _decided_once(world, minutes)
    yield from _denied_and_done(world, minutes)
    yield from _two_meanings(world, minutes)
    for minute in minutes:
        if minute.why == "declined" and minute.outcome is not Verdict.DENIED:
            yield f"{world.trace.name(minute.order_id)}: {minute.step} although it was declined"
    for order, row in world.book.orders.items():
        if row.declined and row.status is Status.CONFIRMED:
            yield f"{world.trace.name(order)}: confirmed although it was declined"
    for order in world.held_and_lost:
        yield f"{world.trace.name(order)}: taken for lost although it was held"
    for found in audited(world).violations:
        late = found.why == "declined" and not world.book.orders[found.order_id].declined
        if found.kind is Kind.BYPASS and not late:
            yield f"{world.trace.name(found.order_id)}: accused of {found}"
    if world.plan.rules_from_start and world.plan.later_rules is None:
        for order in world.held_and_closed:
            yield f"{world.trace.name(order)}: still held although it was closed"
        for order, row in world.book.orders.items():
            yield from _undecided(world, order, row, minutes)
            yield from _against_the_rules(world, order, row)
        yield from _over_the_limit(world)


def held_and_closed(world: World) -> set[SagaId]:
    """Orders that are over, and that somebody still holds."""
    parked = [each for store in world.stores.values() for each in store.parked.values()]
    held = {each.message.saga_id for each in parked if each.why == "held"}
    return {order for order in held if world.book.orders[order].closed}


def _decided_once(world: World, minutes: list[Minute]) -> Iterator[str]:
    final = Counter(
        (minute.order_id, minute.step, minute.rule)
        for minute in minutes
        if minute.outcome is not Verdict.HELD
    )
    for (order, step, rule), times in final.items():
        if times > 1:
            yield f"{world.trace.name(order)}: {step} was decided {times} times by {rule}"


def _denied_and_done(world: World, minutes: list[Minute]) -> Iterator[str]:
    for minute in minutes:
        denied = minute.enforced and minute.outcome is Verdict.DENIED
        if denied and minute.step in done(world, minute.order_id):
            yield f"{world.trace.name(minute.order_id)}: {minute.step} was denied, and done"


def _two_meanings(world: World, minutes: list[Minute]) -> Iterator[str]:
    """Whoever is asked, in whichever mode: what denies is the order, once the facts are known."""
    orders, books = world.book.orders, {v: book_of(r) for v, r in world.rule_sets.items()}
    needs = {
        (version, step, guard.rule.name): guard.needs
        for version, book in books.items()
        for step, guards in book.guards.items()
        for guard in guards
    }
    for minute in minutes:
        name = f"{world.trace.name(minute.order_id)}: {minute.step} by {minute.rule}"
        key = minute.version, minute.step, minute.rule
        ends_a_hold = minute.why in ("declined", "approved")
        if minute.enforced and not ends_a_hold and not set(needs[key]) <= set(minute.facts):
            yield f"{name} was decided on {', '.join(minute.facts)}"
        about_drums = minute.rule in ("no-drums", "named")
        denied = minute.outcome is Verdict.DENIED
        if about_drums and denied is not _has_drums(orders[minute.order_id]):
            yield f"{name} in {minute.mode} says {minute.outcome}"


def _undecided(world: World, order: SagaId, row: OrderRow, minutes: list[Minute]) -> Iterator[str]:
    """The log is complete: where a step was done, each of its rules had its say."""
    where = ("orchestrator",) if row.mode is Mode.ORCHESTRATION else PARTICIPANTS
    said = {
        (minute.step, minute.rule)
        for name in where
        for minute in world.stores[name].decisions
        if minute.order_id == order
    }
    for rule in world.plan.rules:
        for step in set(rule.steps) & done(world, order):
            if (step, rule.name) not in said:
                yield f"{world.trace.name(order)}: {step} was done, {rule.name} was never asked"


def _against_the_rules(world: World, order: SagaId, row: OrderRow) -> Iterator[str]:
    book, name = book_of(world.newest_rules), world.trace.name(order)
    did = done(world, order)
    for step, guards in book.guards.items():
        for guard in guards:
            rule = guard.rule
            if step not in did or not rule.enforced:
                continue
            if rule.name in ("no-drums", "named") and _has_drums(row):
                yield f"{name}: {step} in spite of {rule.name}"
            approved = row.holds.get(rule.name) == "approved"
            if rule.effect is Effect.HOLD and not approved and rule.hold.silence == "deny":
                yield f"{name}: {step} although nobody approved of it"
    if row.reason and row.reason.startswith("policy:"):
        known = {reason_of(rule.name) for rule in world.plan.rules}
        if row.reason not in known:
            yield f"{name}: rejected by {row.reason}, which is no rule"


def _has_drums(row: OrderRow) -> bool:
    return any(item.sku in ("drums", "piano") for item in row.placed.items)


def _over_the_limit(world: World) -> Iterator[str]:
    """What was taken back is free again; what was too much before that, the auditor finds."""
    for rule in world.plan.rules:
        for mode in Mode if rule.limit is not None else ():
            spenders = [
                order
                for order, row in world.book.orders.items()
                if row.mode is mode
                and row.status is not Status.REJECTED
                and set(rule.steps) & done(world, order)
            ]
            if rule.limit is not None and len(spenders) > rule.limit.at_most:
                yield f"{len(spenders)} orders in {mode} passed {rule.name}"


def done(world: World, order: SagaId) -> set[str]:
    """The steps whose effect happened, by the owners' journals."""
    stock = [move for each, move in world.stores["inventory"].own.moves if each == order]
    ledger = world.stores["payment"].own.ledger
    money = [entry.entry for entry in ledger if entry.order_id == order]
    found = {
        "ReserveStock": Held.RESERVED in stock,
        "ShipStock": Held.SHIPPED in stock,
        "AuthorizePayment": Money.AUTHORIZED in money,
        "CapturePayment": Money.CAPTURED in money,
        "ArrangeShipment": order in world.stores["shipping"].own.bookings,
    }
    assert found.keys() == DONE.keys()
    return {step for step, happened in found.items() if happened}
