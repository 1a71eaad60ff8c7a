"""A rule changed under load, in one mode; then a participant that does not go by it."""

import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

from lab.api import Api
from lab.demo.programme import Programme
from lab.demo.stage import Stage
from lab.errors import NotReadyError
from lab.faults import set_faults
from lab.load.load import Load
from lab.load.progress import Bars
from lab.policy.audit import Denied, audit_stack, denied
from lab.policy.listening import lines_of, new_listeners, new_topics
from lab.policy.rules import InForce, Point, apply, await_enforced
from lab.report.model import Policy
from services.kit.faults import Catalogue, Fault
from services.kit.faults import Rule as FaultRule
from services.kit.message import Mode
from services.policy.audit import Findings, Kind
from services.policy.rules import Effect, Rule

POLICY_SEED = 7_000
APPLY_AT = 0.4
PATIENCE_SECONDS = 30.0
TURN_SECONDS = 0.01
MISBEHAVES = "payment"
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
FIRST = (_about("drums"),)
SECOND = (*FIRST, _about("piano"))

Narrate = Callable[[str], None]


def rule_change(stage: Stage, mode: Mode, programme: Programme, narrate: Narrate) -> Policy:
    """Two rules, one after the other; the second comes while payment goes by the first alone."""
    _enter(stage, mode)
    before = _decisions(stage, mode)
    with Api(stage.stack.services["order"].url, stage.stack.token) as order:
        try:
            load, changed = _changed_under_load(stage, order, programme)
            _tell_change(changed, mode, narrate)
            planted = _misbehaving(stage, order, programme)
        finally:
            settled = apply(order, (), narrate)
            await_enforced(order, settled.version, PATIENCE_SECONDS)
    policy = _figures(stage, mode, load, changed, planted, _since(before, stage, mode))
    narrate(
        f"a participant went by old rules: {policy.bypasses_prevented} bypasses prevented, "
        f"{policy.bypasses_detected} detected"
    )
    return policy


def _enter(stage: Stage, mode: Mode) -> None:
    if not stage.route().leaves(mode.other):
        stage.switch(mode)
        stage.drain(mode.other, PATIENCE_SECONDS)


def _changed_under_load(stage: Stage, order: Api, programme: Programme) -> tuple[Load, InForce]:
    """The rule comes in the middle: what was placed before it may pass, what comes later not."""
    load = stage.load(programme.policed, POLICY_SEED + programme.seed)
    with _under_way(load, programme) as loading:
        while len(load.ledger.placed) < APPLY_AT * programme.policed and not loading.done():
            time.sleep(TURN_SECONDS)
        version = apply(order, FIRST, lambda _: None).version
        found = await_enforced(order, version, PATIENCE_SECONDS)
    if found.behind():
        raise NotReadyError("a rule is not enforced everywhere; see `bandstand policy status`")
    return load, found


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


def _misbehaving(stage: Stage, order: Api, programme: Programme) -> Load:
    instances = stage.stack.services[MISBEHAVES].instances
    urls, token = [instance.url for instance in instances], stage.stack.token
    set_faults(urls, token, Catalogue(1, (FaultRule(Fault.STALE_POLICY, 100),)))
    try:
        version = apply(order, SECOND, lambda _: None).version
        await_enforced(order, version, PATIENCE_SECONDS)
        load = stage.load(programme.policed // 2, POLICY_SEED + programme.seed + 1)
        with _under_way(load, programme):
            pass
    finally:
        set_faults(urls, token, Catalogue())
    return load


def _figures(
    stage: Stage,
    mode: Mode,
    load: Load,
    changed: InForce,
    planted: Load,
    decision_us: float | None,
) -> Policy:
    if not stage.await_quiet(PATIENCE_SECONDS):
        raise NotReadyError("orders under rules do not come to rest; see `bandstand logs`")
    first = audit_stack(stage.database, load.ledger.ids)
    second = audit_stack(stage.database, planted.ledger.ids)
    refused = denied(stage.database, planted.ledger.ids)
    return Policy(
        points=len(_points(changed, mode)),
        skew_seconds=skew(changed, mode),
        slipped=_count(first, Kind.SLIPPED),
        decision_us=decision_us,
        bypasses_prevented=len(_only_by(SECOND[-1].name, refused)),
        bypasses_detected=_count(second, Kind.BYPASS),
        orders=len(load.ledger.ids) + len(planted.ledger.ids),
        denied=len(refused) + len(denied(stage.database, load.ledger.ids)),
        coverage=first.coverage,
        fact_rule_lines=lines_of(NEEDS_A_FACT),
        fact_listeners=new_listeners(NEEDS_A_FACT, mode),
        fact_topics=new_topics(NEEDS_A_FACT, mode),
    )


def _only_by(rule: str, refused: list[Denied]) -> set[str]:
    """The orders that no other rule would have stopped."""
    by_others = {each.order_id for each in refused if each.rule != rule}
    return {each.order_id for each in refused if each.rule == rule} - by_others


def _count(findings: Findings, kind: Kind) -> int:
    return sum(violation.kind is kind for violation in findings.violations)


def _points(found: InForce, mode: Mode) -> list[Point]:
    return [point for point in found.points if point.mode == mode]


def skew(found: InForce, mode: Mode) -> float | None:
    """From the rule's commit to the acknowledgement of the last point of this mode, in the
    database's clock."""
    points = _points(found, mode)
    if not points or found.applied_at is None:
        return None
    return round(max((point.at - found.applied_at).total_seconds() for point in points), 4)


def _tell_change(changed: InForce, mode: Mode, narrate: Narrate) -> None:
    points, seconds = len(_points(changed, mode)), skew(changed, mode) or 0.0
    what = "point enforces" if points == 1 else "points enforce"
    narrate(f"a rule under load: {points} {what} it after {seconds * 1000:,.0f} ms")


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
