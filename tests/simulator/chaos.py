"""What a seed decides in advance: the orders, the mishaps and how likely each is.

Many schedules leave many mishaps out altogether: a bug that two kinds of trouble hide from each
other shows where there is only one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random
from uuid import UUID

from services.catalogue import PRICES_CENTS
from services.kit.faults import Catalogue, Fault
from services.kit.faults import Rule as FaultRule
from services.kit.message import Mode, SagaId
from services.messages import Address, Item, OrderPlaced
from services.policy.rules import Rule
from tests.simulator.broker import Losses
from tests.simulator.policies import draw_rules

HITS = {
    Fault.REFUSE: (10, 40),
    Fault.FAIL: (10, 40),
    Fault.DELAY: (20, 60),
    Fault.CRASH_BEFORE_COMMIT: (2, 8),
    Fault.CRASH_AFTER_COMMIT: (2, 8),
    Fault.DUPLICATE_PUBLISH: (20, 100),
}


@dataclass
class Chaos:
    """In percent, at each of a process's critical moments."""

    crash: float = 0.0
    away: float = 0.0
    others_first: float = 0.0


@dataclass(frozen=True)
class Plan:
    """One schedule, as far as it is known before it runs."""

    orders: tuple[OrderPlaced, ...]
    replicas: int
    partitions: int
    stocked: int
    chaos: Chaos
    losses: Losses
    catalogue: Catalogue
    poisons: int
    rebalances: bool
    patience: bool
    mode: Mode
    weight: int
    rules: tuple[Rule, ...] = ()
    rules_from_start: bool = False
    later_rules: tuple[Rule, ...] | None = None
    answers: bool = False


def draw(random: Random) -> Plan:
    orders = random.choice((1, 1, 2, 3))
    plan = Plan(
        orders=tuple(_order(random) for _ in range(orders)),
        replicas=random.choice((1, 2)),
        partitions=random.choice((1, 2)),
        stocked=random.choice((1, 100, 100)),
        chaos=Chaos(_some(random, 1, 4), _some(random, 2, 8), _some(random, 10, 30)),
        losses=Losses(_some(random, 2, 10), _some(random, 5, 20), _some(random, 5, 20)),
        catalogue=_catalogue(random),
        poisons=random.choice((0, 0, 0, 1)),
        rebalances=random.random() < 0.5,
        patience=random.random() < 0.5,
        mode=random.choice(tuple(Mode)),
        weight=random.choice((100, 100, 50, 0)),
        rules=draw_rules(random),
        rules_from_start=random.random() < 0.6,
    )
    plan = replace(plan, answers=bool(plan.rules) and random.random() < 0.5)
    if not (plan.rules and plan.rules_from_start and random.random() < 0.5):
        return plan
    return replace(plan, later_rules=draw_rules(random), answers=True)


def _some(random: Random, low: float, high: float) -> float:
    return random.choice((0.0, 0.0, low, high))


def _catalogue(random: Random) -> Catalogue:
    rules = [
        FaultRule(fault, random.choice(percents), delay_ms=random.choice((50, 1_000, 7_000)))
        for fault, percents in HITS.items()
        if random.random() < 0.25
    ]
    return Catalogue(random.getrandbits(32), tuple(rules))


def _order(random: Random) -> OrderPlaced:
    """One in three is doomed, by one or more of those who can doom it."""
    doomed = random.random() < 1 / 3
    sold_out, declined, unserved = (doomed and random.random() < 0.5 for _ in range(3))
    skus = random.sample(sorted(set(PRICES_CENTS) - {"theremin"}), random.choice((1, 2)))
    items = tuple(Item(sku, random.randint(1, 2)) for sku in skus)
    if sold_out:
        items = (*items, Item("theremin", 1))
    return OrderPlaced(
        order_id=SagaId(str(UUID(int=random.getrandbits(128), version=4))),
        customer_id="c-0001",
        items=items,
        amount_cents=sum(PRICES_CENTS[item.sku] * item.quantity for item in items),
        currency="EUR",
        card="tok-declined" if declined else "tok-visa",
        ship_to=Address("Ella", "AQ" if unserved else "DE", "Berlin", "10115"),
    )


def is_doomed(order: OrderPlaced) -> bool:
    skus = {item.sku for item in order.items}
    return "theremin" in skus or order.card == "tok-declined" or order.ship_to.country == "AQ"
