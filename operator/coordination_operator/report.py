"""What the status says of a situation: figures, words and the conditions."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from msgspec.structs import replace

from coordination_operator.conditions import Judged, judged_anew
from coordination_operator.phases import AT_REST, JUDGED, Phase
from coordination_operator.plan import Observed, Route
from coordination_operator.resources import CoordinationSpec
from coordination_operator.situation import DRAIN_TIMED_OUT, Situation, clock
from coordination_operator.status import (
    ALL,
    Backlog,
    CoordinationStatus,
    InFlight,
    Verdict,
)
from services.kit.message import Mode

ORDER_SERVICE = "OrderService"


def reported(s: Situation) -> CoordinationStatus:
    status = replace(
        s.status,
        observed_generation=s.observed.generation,
        target_mode=s.wanted,
        weight=s.route.share(s.wanted.mode),
        epoch=s.route.epoch,
        step=f"{s.step_number}/{len(s.steps)}" if s.phase is Phase.PROGRESSING else None,
        message=_message(s),
        in_flight=in_flight(s.route),
        backlog=_backlog(s.observed),
        actions=s.valid_commands,
        orchestrator_replicas=_replicas(s),
    )
    return _conditioned(status, s.observed, s.now, _conditions(s))


def reported_blind(spec: CoordinationSpec, observed: Observed, now: datetime) -> CoordinationStatus:
    """Nothing is known of the route, and nothing is done; what was known before is kept."""
    why = observed.unseen.get(ORDER_SERVICE, "the order service does not answer")
    status = replace(
        observed.status,
        observed_generation=observed.generation,
        target_mode=spec.mode,
        weight=observed.status.weight_of(spec.mode),
        clear_since=None if spec.suspend else observed.status.clear_since,
        blind_since=observed.status.blind_since or now,
        in_flight=None,
        backlog=None,
        message=why,
    )
    kinds = ("Ready", "Progressing", "Drained")
    unknown = [(kind, ("Unknown", "OrderServiceUnavailable", why)) for kind in kinds]
    suspended = ("Suspended", _suspended(spec))
    return _conditioned(status, observed, now, [*unknown, suspended])


def reported_unread(
    status: CoordinationStatus, generation: int, why: str, now: datetime
) -> CoordinationStatus:
    """Nobody knows what is asked for, and nothing is done."""
    unknown = [(kind, ("Unknown", "SpecNotUnderstood", why)) for kind in ("Ready", "Progressing")]
    conditions = judged_anew(status.conditions, generation, now, unknown)
    return replace(status, observed_generation=generation, message=why, conditions=conditions)


def in_flight(route: Route) -> InFlight:
    orchestration, choreography = (route.open.get(mode, 0) for mode in Mode)
    total = orchestration + choreography
    return InFlight(orchestration=orchestration, choreography=choreography, total=total)


def _backlog(observed: Observed) -> Backlog | None:
    if observed.left is None:
        return None
    orchestration, choreography = (observed.left[mode] for mode in Mode)
    return Backlog(orchestration=orchestration, choreography=choreography)


def _replicas(s: Situation) -> int | None:
    deployed = s.observed.orchestrator
    return s.status.orchestrator_replicas if deployed is None else deployed.wanted


def _message(s: Situation) -> str:
    """One line: what is waited for."""
    if s.frozen:
        return "suspended"
    if s.trouble:
        return s.trouble
    rollout = s.status.rollout
    why = f"{rollout.reason}: {rollout.message}" if rollout else ""
    match s.phase:
        case Phase.STABLE:
            return f"{s.active} has all new sagas"
        case Phase.PREPARING if s.cooldown_left:
            return f"cooling down until {clock(s.now + s.cooldown_left)} after a rollback"
        case Phase.PREPARING:
            return "waiting for the orchestrator to be ready"
        case Phase.PROGRESSING:
            return s.waits_for
        case Phase.DRAINING if s.drained(s.active):
            return s.waits_for
        case Phase.DRAINING:
            return f"draining: {s.still_has(s.active)}"
        case Phase.HOLDING:
            return f"held, {_ways_on(s)} or abort; {why}"
        case Phase.ROLLING_BACK:
            return f"rolling back; {why}; {s.still_has(s.target)}"
        case Phase.ROLLED_BACK:
            return f"rolled back; {why}"


def _ways_on(s: Situation) -> str:
    return "waits for the drain" if s.held_for_its_drain else "promote"


def _conditions(s: Situation) -> list[tuple[str, Judged]]:
    return [
        ("Ready", _ready(s)),
        ("Progressing", _progressing(s)),
        ("Drained", _drained(s)),
        ("AnalysisPassed", _analysis(s)),
        ("RolledBack", _rolled_back(s)),
        ("Suspended", _suspended(s.spec)),
    ]


def _ready(s: Situation) -> Judged:
    if s.phase is Phase.STABLE and s.wanted is s.active and s.share == ALL:
        return "True", "Stable", f"{s.active} has all new sagas"
    return "False", _reason(s), _message(s)


def _progressing(s: Situation) -> Judged:
    if s.frozen:
        return "False", "Suspended", "nothing is changed"
    if s.phase is Phase.HOLDING:
        rollout = s.status.rollout
        return "False", rollout.reason if rollout else "Holding", _message(s)
    moving = s.phase not in AT_REST and not s.trouble
    return "True" if moving else "False", _reason(s), _message(s)


def _reason(s: Situation) -> str:
    return s.status.undone.reason if s.status.undone else s.phase.value


def _drained(s: Situation) -> Judged:
    """Of the mode that has no new sagas; while both have some, nothing is to drain."""
    leaving = next((who for who in (s.active, s.active.other) if not s.route.share(who.mode)), None)
    if leaving is None:
        return "False", "BothActive", "both modes get new sagas"
    if s.drained(leaving):
        return "True", "Drained", f"{leaving} has nothing left to do"
    if s.observed.left is None and not s.route.open.get(leaving.mode, 0):
        return "Unknown", "ServicesUnavailable", s.observed.unseen.get("Services", "not seen yet")
    late = s.drain_timed_out and s.phase in (Phase.DRAINING, Phase.HOLDING, Phase.ROLLING_BACK)
    return "False", DRAIN_TIMED_OUT if late else "Draining", s.still_has(leaving)


def _analysis(s: Situation) -> Judged:
    """Of this step while it lasts; afterwards, of what was measured last."""
    if not s.spec.analysis.metrics:
        return "Unknown", "NoMetrics", "no metrics are asked for"
    last = s.status.analysis.metrics if s.status.analysis else ()
    metrics = s.measurements if s.phase in JUDGED else last
    said = "; ".join(each.message for each in metrics)
    judged = [each for each in metrics if not each.dry_run]
    if any(each.verdict is Verdict.FAIL for each in judged):
        return "False", "Failed", said
    if any(each.verdict is Verdict.ERROR for each in judged):
        return "Unknown", "PrometheusUnavailable", said
    if not judged or any(each.verdict is Verdict.NO_DATA for each in judged):
        return "Unknown", "Inconclusive", said or "nothing was measured yet"
    return "True", "Passed", said


def _rolled_back(s: Situation) -> Judged:
    rollout = s.status.rollout
    if s.phase in (Phase.ROLLING_BACK, Phase.ROLLED_BACK) and rollout is not None:
        return "True", rollout.reason, rollout.message
    return "False", "NotRolledBack", ""


def _suspended(spec: CoordinationSpec) -> Judged:
    if spec.suspend:
        return "True", "Asked", "spec.suspend is true"
    return "False", "NotAsked", ""


def _conditioned(
    status: CoordinationStatus,
    observed: Observed,
    now: datetime,
    judged: Iterable[tuple[str, Judged]],
) -> CoordinationStatus:
    conditions = judged_anew(status.conditions, observed.generation, now, judged)
    return replace(status, conditions=conditions)
