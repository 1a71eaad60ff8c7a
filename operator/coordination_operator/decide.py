"""Where a switch goes from here: pure, and the same on a cluster and on a laptop.

What must stay true: weight moves up only along the steps; nothing is promoted that has not passed;
whatever happens, the way back to the active mode is open. A phase is entered by saving it; what it
wants of the route follows from the phase and is done afterwards, again and again if need be.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from msgspec.structs import replace

from coordination_operator.changes import changes
from coordination_operator.clock import on_the_clock
from coordination_operator.moves import PROMOTED, Move, move_from
from coordination_operator.phases import AT_REST, JUDGED, Command, Phase
from coordination_operator.plan import Measure, Observed, Plan, Route, Scale, SetRoute, Wish
from coordination_operator.report import reported, reported_blind
from coordination_operator.resources import CoordinationSpec, Who
from coordination_operator.situation import Situation
from coordination_operator.status import (
    ALL,
    LAST_SWITCHES,
    AnalysisStatus,
    CoordinationStatus,
    Note,
    Outcome,
    RolloutStatus,
    Switch,
)

SOON: Final = timedelta(seconds=1)
BUSY: Final = timedelta(seconds=2)
AT_LEISURE: Final = timedelta(seconds=10)


def decide(spec: CoordinationSpec, observed: Observed, now: datetime) -> Plan:
    """`now` is the order service's clock, as long as that answers."""
    if observed.route is None:
        return Plan(reported_blind(spec, observed, now), again=BUSY)
    known = on_the_clock(observed.status, observed.route, now)
    status = _cleared(spec, observed, adopted(spec, known, observed.route, now), now)
    here = _situation(spec, observed, status, observed.route, now)
    command = _valid(here)
    move = move_from(here, command)
    after = _situation(spec, observed, _moved(here, move), here.route, now) if move else here
    wishes = _wishes(after)
    after = _with_trouble_about(wishes, after)
    moved = (move.note,) if move else ()
    notes = (*changes(observed.status, here), *_ignored(here, command), *moved)
    return Plan(
        reported(after).to_be_announced(notes),
        wishes,
        _measure(after),
        notes,
        observed.asked,
        _patience(after),
    )


def adopted(
    spec: CoordinationSpec, status: CoordinationStatus, route: Route, now: datetime
) -> CoordinationStatus:
    """The first look, or the first since the status was lost: who was active may be known still;
    else whoever has everything is, and if both have some, the target is tried."""
    if status.phase is not None and status.active_mode is not None:
        return status
    has_all = route.share(spec.mode.mode) == ALL
    active = status.active_mode or (spec.mode if has_all else spec.mode.other)
    on_trial = route.share(active.mode) < ALL
    return replace(
        status,
        phase=Phase.PROGRESSING if on_trial else Phase.STABLE,
        phase_since=now,
        active_mode=active,
        rollout=_begun(active, now) if on_trial else None,
    )


def _begun(active: Who, now: datetime, restarted: bool = False) -> RolloutStatus:
    return RolloutStatus(source=active, target=active.other, started_at=now, restarted=restarted)


def _cleared(
    spec: CoordinationSpec, observed: Observed, status: CoordinationStatus, now: datetime
) -> CoordinationStatus:
    """Deadlines count from when somebody could act again, and stand still while nobody sees."""
    if spec.suspend:
        return replace(status, clear_since=None, blind_since=None)
    if status.blind_since is None or status.clear_since is None:
        return replace(status, clear_since=status.clear_since or now, blind_since=None)
    moments = (status.clear_since, status.phase_since, status.step_since)
    began = max(moment for moment in moments if moment is not None)
    clear = min(began + observed.blind, now)
    analysis = _put_off(status.analysis, observed.blind, now)
    return replace(status, clear_since=clear, blind_since=None, analysis=analysis)


def _put_off(
    analysis: AnalysisStatus | None, blind: timedelta, now: datetime
) -> AnalysisStatus | None:
    if analysis is None or analysis.clear_since is None:
        return analysis
    return replace(analysis, clear_since=min(analysis.clear_since + blind, now))


def _situation(
    spec: CoordinationSpec,
    observed: Observed,
    status: CoordinationStatus,
    route: Route,
    now: datetime,
) -> Situation:
    assert status.phase is not None
    assert status.active_mode is not None
    return Situation(spec, observed, status, route, status.phase, status.active_mode, now)


def _valid(s: Situation) -> Command | None:
    """Abort before all others; what is not valid now is not done later."""
    for command in (Command.ABORT, Command.PROMOTE, Command.RESTART):
        if command in s.observed.asked and command in s.valid_commands:
            return command
    return None


def _ignored(s: Situation, done: Command | None) -> tuple[Note, ...]:
    why = ", suspended" if s.frozen else f", {s.unready}" if s.unready else ""
    return tuple(
        Note("Ignored", f"{command} is not valid now ({s.phase}{why})", warning=True)
        for command in sorted(s.observed.asked)
        if command is not done
    )


def _moved(s: Situation, move: Move) -> CoordinationStatus:
    """The status with which the new phase begins."""
    status = replace(s.status, phase=move.to, phase_since=s.now)
    rollout = status.rollout or _begun(s.active, s.now)
    if move.to is Phase.PREPARING:
        restarted = s.phase is Phase.ROLLED_BACK
        return replace(status, rollout=_begun(s.active, s.now, restarted), analysis=None)
    if move.to in (Phase.HOLDING, Phase.ROLLING_BACK) or move.reason == PROMOTED:
        told = replace(rollout, reason=move.reason, message=move.message)
        judged_anew = s.phase is Phase.HOLDING and move.to is Phase.DRAINING
        analysis = None if judged_anew else status.analysis
        return replace(status, rollout=told, analysis=analysis)
    if move.to is Phase.STABLE and s.phase in (Phase.DRAINING, Phase.HOLDING):
        ended = _ended(s, rollout, Outcome.PROMOTED, move)
        return replace(ended, phase=move.to, phase_since=s.now, active_mode=rollout.target)
    if s.phase is Phase.ROLLING_BACK:
        ended = _ended(s, rollout, Outcome.ROLLED_BACK, move)
        kept = rollout if move.to is Phase.ROLLED_BACK else None
        return replace(ended, phase=move.to, phase_since=s.now, rollout=kept)
    return replace(status, rollout=None if move.to is Phase.STABLE else rollout)


def _ended(
    s: Situation, rollout: RolloutStatus, outcome: Outcome, move: Move
) -> CoordinationStatus:
    """One more in the list of the last switches."""
    switch = Switch(
        source=rollout.source,
        target=rollout.target,
        started_at=rollout.started_at,
        ended_at=s.now,
        outcome=outcome,
        reason=rollout.reason or move.reason,
        message=rollout.message or move.message,
    )
    return replace(s.status, switches=(switch, *s.status.switches)[:LAST_SWITCHES], rollout=None)


def _wishes(s: Situation) -> tuple[Wish, ...]:
    """What takes from the orchestrator does not wait for it, and a way back does not for ever."""
    if s.frozen:
        return ()
    scale, share = _scale(s), s.wanted_share
    if share == s.share:
        return (scale,) if scale else ()
    route = _set_share(s, share)
    if scale is None or not scale.replicas or _takes(s, share):
        return (route,)
    return (scale, route) if s.phase is Phase.ROLLING_BACK else (scale,)


def _takes(s: Situation, share: int) -> bool:
    """Whether that share of the target's leaves the orchestrator fewer new sagas."""
    return (share < s.share) is (s.target is Who.ORCHESTRATION)


def _with_trouble_about(wishes: Sequence[Wish], s: Situation) -> Situation:
    """What is not wished for any more, or was done by whomever, is no trouble any more."""
    over = not wishes or s.observed.status.epoch != s.route.epoch
    return dataclasses.replace(s, status=replace(s.status, undone=None)) if over else s


def _measure(s: Situation) -> Measure | None:
    if s.phase in JUDGED and s.share and not s.frozen and s.measuring_due == timedelta():
        return Measure(s.route.epoch, s.target.mode, s.reach, s.clear_since)
    return None


def _set_share(s: Situation, share: int) -> SetRoute:
    """Said of the mode that has something, so that the route reads well."""
    mode = s.target.mode
    return SetRoute(mode if share else mode.other, share or ALL, s.route.epoch)


def _scale(s: Situation) -> Scale | None:
    """Up before it is needed; to zero only when nothing of it can be under way any more."""
    deployed, asked = s.observed.orchestrator, s.spec.orchestrator
    if deployed is None or not deployed.ours:
        return None
    if s.orchestrator_needed:
        return None if deployed.wanted else Scale(asked.replicas)
    idle = s.phase in AT_REST and s.drained(Who.ORCHESTRATION)
    return Scale(0) if asked.scale_to_zero_when_idle and idle and deployed.wanted else None


def _patience(s: Situation) -> timedelta:
    if s.phase in AT_REST or s.frozen:
        return AT_LEISURE
    due = s.measuring_due if s.phase in JUDGED else None
    busy = BUSY if s.phase in (Phase.PROGRESSING, Phase.HOLDING) else SOON
    return min(busy, due) if due else busy
