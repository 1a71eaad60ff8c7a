"""Rules changed under load, in one mode; then a participant that does not go by them; and, for the
very end, one that acts before it is asked."""

import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import msgspec

from lab.api import Api
from lab.demo.misbehaving import by_old_rules, misbehaving, unasked
from lab.demo.programme import Programme
from lab.demo.stage import PATIENCE_SECONDS, Stage
from lab.errors import NotReadyError
from lab.load.load import Load
from lab.load.progress import Bars
from lab.policy.audit import audit_stack, denied
from lab.policy.listening import lines_of, new_listeners, new_topics
from lab.policy.rules import InForce, Point, apply, await_enforced
from lab.report.model import Misbehaviour, Policy
from services.kit.faults import Fault
from services.kit.message import Mode
from services.policy.rules import Effect, Rule

POLICY_SEED = 7_000
TURN_SECONDS = 0.01
UNASKED_ORDERS = 12
SPENT = re.compile(r"^bandstand_policy_decision_seconds_(sum|count)(?:\{\})? (\S+)", re.MULTILINE)


def _about(sku: str) -> Rule:
    when = f"order.items.exists(item, item.sku == '{sku}')"
    return Rule(name=f"no-{sku}", guards="AuthorizePayment", effect=Effect.DENY, when=when)


# It guards payment's step, and needs what inventory knows.
NEEDS_A_FACT = Rule(
    name="stock-before-money",
    guards="AuthorizePayment",
    effect=Effect.REQUIRE,
    after=("StockReserved",),
)
DRUMS, TRUMPET, PIANO = "drums", "trumpet", "piano"
# Two rules, each once so large a share of the orders has been placed.
CHANGES = (
    (0.3, (_about(DRUMS),)),
    (0.65, (_about(DRUMS), _about(TRUMPET))),
)
# A third one, which payment ignores.
IGNORED = (*CHANGES[-1][1], _about(PIANO))

WAYS = {
    Fault.STALE_POLICY.value: "a participant ignores a rule",
    Fault.UNASKED.value: "a participant acts unasked",
}

Narrate = Callable[[str], None]


def rule_change(stage: Stage, mode: Mode, programme: Programme, narrate: Narrate) -> Policy:
    """Rules that come one after the other under load, the last while payment ignores it."""
    _enter(stage, mode)
    before = _decisions(stage, mode)
    with Api(stage.stack.services["order"].url, stage.stack.token) as order:
        try:
            load, changed = _changed_under_load(stage, order, programme)
            narrate(told(changed, mode))
            stale = _ignoring_a_rule(stage, order, programme)
        finally:
            settled = apply(order, (), narrate)
            await_enforced(order, settled.version, PATIENCE_SECONDS)
    decision_us = _since(before, stage, mode)
    policy = _figures(stage, mode, load, changed, stale, decision_us)
    for fault, came_to in policy.misbehaviour.items():
        narrate(f"{WAYS[fault]}: {in_words(came_to)}")
    return policy


def acting_unasked(
    stage: Stage, mode: Mode, programme: Programme, policy: Policy, narrate: Narrate
) -> Policy:
    """The figures with those of payments that were captured as soon as they were authorized.

    For the very end, when every promise has been checked: money that was taken unasked does not
    come back, and should such an order be rejected, because the machine was away for as long as an
    order may take, it may never end. Only those that have ended are judged.
    """
    stage.switch(mode)
    load = stage.load(UNASKED_ORDERS, POLICY_SEED + programme.seed + 2, doomed=0.0)
    with misbehaving(stage, Fault.UNASKED):
        _play(load, programme)
    stage.await_quiet(PATIENCE_SECONDS)
    came_to = unasked(stage, load.ledger.ids)
    narrate(f"{WAYS[Fault.UNASKED]}: {in_words(came_to)}")
    return with_misbehaviour(policy, Fault.UNASKED, came_to)


def _enter(stage: Stage, mode: Mode) -> None:
    if not stage.route().leaves(mode.other):
        stage.switch(mode)
        stage.drain(mode.other, PATIENCE_SECONDS)


def _changed_under_load(
    stage: Stage, order: Api, programme: Programme
) -> tuple[Load, list[InForce]]:
    """What was placed before a rule came may pass, what comes later may not."""
    load = stage.load(programme.policed, POLICY_SEED + programme.seed)
    with _under_way(load, programme) as loading:
        changed = [
            _changed(order, load, round(share * programme.policed), rules, loading)
            for share, rules in CHANGES
        ]
    if any(each.behind() for each in changed):
        raise NotReadyError("a rule is not enforced everywhere; see `bandstand policy status`")
    return load, changed


def _changed(
    order: Api, load: Load, placed: int, rules: tuple[Rule, ...], loading: Future[None]
) -> InForce:
    while len(load.ledger.placed) < placed and not loading.done():
        time.sleep(TURN_SECONDS)
    version = apply(order, rules, lambda _: None).version
    return await_enforced(order, version, PATIENCE_SECONDS)


@contextmanager
def _under_way(load: Load, programme: Programme) -> Iterator[Future[None]]:
    """Until the load has ended; what went wrong in it surfaces here."""
    watcher = Bars(len(load.ledger.planned))
    with watcher, ThreadPoolExecutor(1, "customers") as customers:
        patience = PATIENCE_SECONDS
        loading = customers.submit(load.open, programme.rate, programme.seed, watcher, patience)
        try:
            yield loading
        except BaseException:
            load.stop()
            raise
        loading.result()


def _ignoring_a_rule(stage: Stage, order: Api, programme: Programme) -> Load:
    load = stage.load(programme.policed // 2, POLICY_SEED + programme.seed + 1)
    with misbehaving(stage, Fault.STALE_POLICY):
        version = apply(order, IGNORED, lambda _: None).version
        await_enforced(order, version, PATIENCE_SECONDS)
        _play(load, programme)
    return load


def _play(load: Load, programme: Programme) -> None:
    with _under_way(load, programme):
        pass


def _figures(
    stage: Stage,
    mode: Mode,
    load: Load,
    changed: list[InForce],
    stale: Load,
    decision_us: float | None,
) -> Policy:
    if not stage.await_quiet(PATIENCE_SECONDS):
        raise NotReadyError("orders under rules do not come to rest; see `bandstand logs`")
    found = audit_stack(stage.database, load.ledger.ids)
    slipped = {str(each.version): found.slipped().get(each.version, 0) for each in changed}
    ruled = [*load.ledger.ids, *stale.ledger.ids]
    ignored = by_old_rules(
        stage, stale.ledger.ids, IGNORED[-1].name, about=PIANO, known={DRUMS, TRUMPET}
    )
    policy = Policy(
        points=len(_points(changed[-1], mode)),
        skew_seconds=longest_skew(changed, mode),
        slipped=sum(slipped.values()),
        decision_us=decision_us,
        bypasses_prevented=0,
        bypasses_detected=0,
        orders=len(ruled),
        denied=len(denied(stage.database, ruled)),
        coverage=found.coverage,
        fact_rule_lines=lines_of(NEEDS_A_FACT),
        fact_listeners=new_listeners(NEEDS_A_FACT, mode),
        fact_topics=new_topics(NEEDS_A_FACT, mode),
        slipped_by_version=slipped,
    )
    return with_misbehaviour(policy, Fault.STALE_POLICY, ignored)


def with_misbehaviour(policy: Policy, fault: Fault, came_to: Misbehaviour) -> Policy:
    return msgspec.structs.replace(
        policy,
        bypasses_prevented=policy.bypasses_prevented + came_to.prevented,
        bypasses_detected=policy.bypasses_detected + came_to.detected,
        misbehaviour={**policy.misbehaviour, fault.value: came_to},
    )


def _points(found: InForce, mode: Mode) -> list[Point]:
    return [point for point in found.points if point.mode == mode]


def skew(found: InForce, mode: Mode) -> float | None:
    """From the rule's commit to the acknowledgement of the last point of this mode, in the
    database's clock."""
    points = _points(found, mode)
    if not points or found.applied_at is None:
        return None
    return round(max((point.at - found.applied_at).total_seconds() for point in points), 4)


def longest_skew(changed: list[InForce], mode: Mode) -> float | None:
    known = [seconds for each in changed if (seconds := skew(each, mode)) is not None]
    return max(known, default=None)


def told(changed: list[InForce], mode: Mode) -> str:
    points, seconds = len(_points(changed[-1], mode)), longest_skew(changed, mode) or 0.0
    what = "point enforces" if points == 1 else "points enforce"
    return f"{len(changed)} rules under load: {points} {what} each within {seconds * 1000:,.0f} ms"


def in_words(found: Misbehaviour) -> str:
    return f"{found.prevented} prevented, {found.detected} detected, {found.undetected} neither"


def _decisions(stage: Stage, mode: Mode) -> tuple[float, float]:
    """Seconds spent on deciding, and decisions, of this mode's points so far."""
    spent = count = 0.0
    for name, service in stage.stack.services.items():
        if (name == "orchestrator") is not (mode is Mode.ORCHESTRATION):
            continue
        for instance in service.instances:
            with Api(instance.url) as api:
                found = dict(SPENT.findall(api.text("/metrics")))
            spent += float(found.get("sum", 0.0))
            count += float(found.get("count", 0.0))
    return spent, count


def _since(before: tuple[float, float], stage: Stage, mode: Mode) -> float | None:
    spent, count = (now - then for now, then in zip(_decisions(stage, mode), before, strict=True))
    return round(spent / count * 1e6, 1) if count > 0 else None
