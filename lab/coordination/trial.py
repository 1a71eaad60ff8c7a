"""A judged switch without a cluster: the operator's own core, with this stack around it.

The same `decide` as on a cluster. What differs is around it: the status is kept here, the
measurements come from the database, and events are lines of progress.
"""

import time
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec

from coordination_operator.analysis import Sample
from coordination_operator.errors import OutsideError, Unavailable
from coordination_operator.farewell import farewell
from coordination_operator.phases import AT_REST, Command, Phase
from coordination_operator.plan import Deployed, Observed, SetRoute
from coordination_operator.reconcile import reconcile
from coordination_operator.resources import (
    Analysis,
    Compare,
    CoordinationSpec,
    Drain,
    Metric,
    OnTimeout,
    Range,
    Rollout,
    Step,
    Template,
    Who,
    length,
)
from coordination_operator.services_api import Services
from coordination_operator.status import CoordinationStatus, Note
from coordination_operator.templates import ANSWERS
from lab.database import Database, query
from lab.errors import BandstandError, NotReadyError
from services.kit.message import Mode
from services.order.routing import first_id

JUDGED = query(__file__, "judged")
ORCHESTRATOR: Final = Deployed(wanted=1, ready=1, ours=False)
LONGEST_PAUSE: Final = 2.0


class RolledBackError(BandstandError):
    """The switch was tried, judged and taken back."""


class Trial(msgspec.Struct, frozen=True):
    """What came of it; `promoted` is false when the old mode has everything again."""

    promoted: bool
    source: Who
    target: Who
    seconds: float
    reason: str
    status: CoordinationStatus


class _Fared(msgspec.Struct, frozen=True):
    error_share: float | None
    latency_p99: float | None
    oldest_saga_age: float

    def value(self, template: Template | None) -> float | None:
        return {
            Template.ERROR_SHARE: self.error_share,
            Template.LATENCY_P99: self.latency_p99,
            Template.OLDEST_SAGA_AGE: self.oldest_saga_age,
        }[template or Template.ERROR_SHARE]


def a_spec(mode: Mode, steps: Sequence[Step], interval: str, timeout: float) -> CoordinationSpec:
    """Rolled back by itself, and by the time that the caller has patience for."""
    patience = f"{max(1, round(timeout))}s"
    return CoordinationSpec(
        mode=Who.of(mode),
        rollout=Rollout(steps=tuple(steps), progress_deadline=patience),
        drain=Drain(timeout=patience, on_timeout=OnTimeout.ROLLBACK),
        analysis=Analysis(
            interval=interval,
            window="10s",
            metrics=(
                Metric(name="errors", template=Template.ERROR_SHARE),
                Metric(
                    name="latency-p99",
                    template=Template.LATENCY_P99,
                    compare=Compare(max_ratio=3, tolerance=0.5),
                ),
                Metric(
                    name="oldest-saga",
                    template=Template.OLDEST_SAGA_AGE,
                    threshold_range=Range(max=30),
                ),
            ),
        ),
    )


class Stage:
    """`reconcile`'s world here; the status lives as long as this object does."""

    def __init__(
        self,
        spec: CoordinationSpec,
        services: Services,
        database: Database,
        say: Callable[[str], None],
    ) -> None:
        self.status = CoordinationStatus()
        self._spec = spec
        self._services = services
        self._database = database
        self._say = say
        self._said = ""

    def look(self) -> tuple[CoordinationSpec, Observed]:
        route = self._services.route()
        left = self._services.left()
        return self._spec, Observed(datetime.now(UTC), self.status, 1, route, left, ORCHESTRATOR)

    def save(self, status: CoordinationStatus) -> None:
        self.status = status
        said = _without_figures(status.message)
        if said != self._said and status.phase not in AT_REST:
            self._say(f"  {status.message}")
        self._said = said

    def switch(self, wish: SetRoute) -> None:
        self._services.switch(wish)

    def scale(self, replicas: int) -> None:
        """There is no Deployment here, and the orchestrator always runs."""

    def samples(self, wanted: Analysis, target: Mode) -> list[Sample]:
        window = length(wanted.window).total_seconds()
        try:
            there, before = self._fared(target, window), self._fared(target.other, window)
        except BandstandError as error:
            return [Sample(error=str(error)) for _ in wanted.metrics]
        return [
            Sample(there.value(metric.template), before.value(metric.template))
            for metric in wanted.metrics
        ]

    def done_with(self, commands: Collection[Command]) -> None:
        """Nobody annotates anything here."""

    def tell(self, notes: Sequence[Note]) -> Sequence[Note]:
        for note in notes:
            self._say(f"{note.reason}: {note.message}")
        return ()

    @property
    def longest_silence(self) -> float:
        """In seconds: whoever is not answered for as long gives up."""
        return length(self._spec.rollout.progress_deadline).total_seconds()

    def go_back(self) -> None:
        """Whatever ends a trial leaves no mode on trial; or says that it may have."""
        active = self.status.active_mode
        if active is None:
            return
        try:
            wish = farewell(active, suspended=False, route=self._services.route())
            if wish is not None:
                self._services.switch(wish)
                self._say(f"interrupted: new orders go to {wish.mode} again")
        except OutsideError as error:
            self._say(f"interrupted, and {active.other.mode} may still get new orders: {error}")
            self._say(f"take them back by: bandstand switch {active.mode}")

    def _fared(self, mode: Mode, window: float) -> _Fared:
        return self._database.row(
            JUDGED, _Fared, mode=mode, window=window, answers=list(ANSWERS), first=_oldest(window)
        )


def try_out(
    stage: Stage,
    patience: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> Trial:
    """Until the new mode is active, or the old one again."""
    try:
        return _tried(stage, patience, clock)
    except BaseException:
        stage.go_back()
        raise


def _tried(stage: Stage, patience: Callable[[float], None], clock: Callable[[], float]) -> Trial:
    began = answered = clock()
    while stage.status.phase not in AT_REST:
        try:
            pause, answered = reconcile(stage), clock()
        except Unavailable as error:
            stage.tell([Note("Unavailable", str(error), warning=True)])
            if clock() - answered > stage.longest_silence:
                raise NotReadyError(str(error)) from error
            pause = timedelta(seconds=1)
        if stage.status.phase not in AT_REST:
            patience(min(pause.total_seconds(), LONGEST_PAUSE))
    return _trial(stage.status, clock() - began)


def _trial(status: CoordinationStatus, seconds: float) -> Trial:
    assert status.active_mode is not None
    assert status.target_mode is not None
    promoted = status.phase is Phase.STABLE
    last = status.switches[0] if status.switches else None
    source = last.source if last else status.active_mode
    reason = f"{last.reason}: {last.message}" if last else "it was there already"
    return Trial(promoted, source, status.target_mode, seconds, reason, status)


def _oldest(window: float) -> UUID:
    """Nothing that ended within the window is likely to be older than this."""
    return first_id(datetime.now(UTC) - timedelta(seconds=window) - timedelta(minutes=10))


def _without_figures(text: str) -> str:
    return "".join(letter for letter in text if not letter.isdigit())
