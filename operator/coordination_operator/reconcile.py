"""Look, decide, save, do: until there is nothing to do at once. One core, whatever is around it.

The status is saved before anything is done, with what there is to announce; that is taken off when
it was announced. It is saved only if nobody has changed the object since
it was looked at, and the route is set only if nobody has changed that; so of two operators one
gives way, and a killed one is followed by somebody who comes to the same decision.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

from msgspec.structs import replace

from coordination_operator import analysis
from coordination_operator.analysis import Sample
from coordination_operator.decide import BUSY, decide
from coordination_operator.errors import Stale, Unavailable
from coordination_operator.phases import Command, Phase
from coordination_operator.plan import Measure, Observed, Plan, Scale, SetRoute, Wish
from coordination_operator.resources import Analysis, CoordinationSpec, Who
from coordination_operator.status import CoordinationStatus, Note
from services.kit.message import Mode

ROUNDS: Final = 8
UNDONE: Final = {SetRoute: "RouteNotChanged", Scale: "OrchestratorNotScaled"}


class World(Protocol):
    """What surrounds `decide`: a cluster, or the stack on a laptop."""

    def look(self) -> tuple[CoordinationSpec, Observed]: ...

    def save(self, status: CoordinationStatus) -> None:
        """Stale if the object is no longer the one that was looked at."""

    def switch(self, wish: SetRoute) -> None:
        """Stale if the route is no longer the one that was looked at."""

    def scale(self, replicas: int) -> None: ...

    def samples(self, wanted: Analysis, target: Mode) -> list[Sample]: ...

    def done_with(self, commands: Collection[Command]) -> None: ...

    def tell(self, notes: Sequence[Note]) -> Sequence[Note]:
        """Those that could not be told, and are to be told again."""


def reconcile(world: World) -> timedelta:
    """How long it may be until the next time, if nothing happens before."""
    for _ in range(ROUNDS):
        try:
            plan = once(world)
        except Stale:
            continue
        if not (plan.wishes or plan.measure or plan.notes):
            return plan.again
    return BUSY


def once(world: World) -> Plan:
    spec, observed = world.look()
    now = observed.route.at if observed.route else observed.at
    plan = decide(spec, observed, now)
    if plan.status != observed.status:
        world.save(plan.status)
    status = _announced(world, plan.status)
    if plan.consumed:
        # The object is another one now; what is left to do is found at the next look.
        world.done_with(plan.consumed)
        return plan
    trouble = _fulfil_one(world, plan.wishes)
    if trouble is not None:
        status = _left_undone(world, status, trouble)
    if plan.measure is not None and (trouble or not plan.wishes):
        _measure(world, spec, status, plan.measure, now)
    if trouble is not None:
        raise trouble.error
    return plan


@dataclass(frozen=True)
class _Trouble:
    wish: Wish
    error: Unavailable


def _fulfil_one(world: World, wishes: Sequence[Wish]) -> _Trouble | None:
    """The first that can be; or why the last of them could not."""
    trouble = None
    for wish in wishes:
        try:
            _fulfil(world, wish)
        except Unavailable as error:
            trouble = _Trouble(wish, error)
        else:
            return None
    return trouble


def _fulfil(world: World, wish: Wish) -> None:
    match wish:
        case SetRoute():
            world.switch(wish)
        case Scale(replicas):
            world.scale(replicas)


def _left_undone(world: World, status: CoordinationStatus, trouble: _Trouble) -> CoordinationStatus:
    """It is in the status, for whoever looks at the object or decides next."""
    reason = UNDONE[type(trouble.wish)]
    undone = status.left_undone(Note(reason, str(trouble.error), warning=True))
    if undone != status:
        world.save(undone)
    return undone


def _announced(world: World, status: CoordinationStatus) -> CoordinationStatus:
    """At least once each: whoever is killed in between is followed by somebody who says it again.
    What cannot be said now waits for the next look, and holds up nothing."""
    if not status.unannounced:
        return status
    told = replace(status, unannounced=tuple(world.tell(status.unannounced)))
    if told != status:
        world.save(told)
    return told


def _measure(
    world: World,
    spec: CoordinationSpec,
    status: CoordinationStatus,
    wish: Measure,
    now: datetime,
) -> None:
    wanted, target = analysis.within(wish.reach, spec.analysis), Who.of(wish.target)
    samples = world.samples(wanted, wish.target)
    cut_short = wanted is not spec.analysis
    found = [
        analysis.judge(metric, sample, target, now, cut_short)
        for metric, sample in zip(wanted.metrics, samples, strict=True)
    ]
    after = analysis.record(status.analysis, wish.epoch, now, found, wish.clear_since)
    notes = analysis.notes(status.analysis, after, status.phase is Phase.HOLDING)
    measured = replace(status, analysis=after).to_be_announced(notes)
    world.save(measured)
    _announced(world, measured)
