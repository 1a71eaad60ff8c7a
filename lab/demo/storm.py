"""One load, faults on if there shall be any, and the mode switched under it."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import msgspec

from lab.api import ProblemError
from lab.coordination.route import Route
from lab.demo.programme import Programme
from lab.demo.stage import PATIENCE_SECONDS, AnyStage
from lab.errors import NotReadyError
from lab.faults import UNAVAILABLE
from lab.load.load import Load, Watcher
from lab.load.summary import Summary, summarize
from lab.measure.meter import Costs, Meter
from services.kit.faults import Catalogue
from services.kit.message import Mode

TICK_SECONDS = 1.0
TURN_SECONDS = 0.05
# Whoever is killed comes back to a backlog, in which the next kill is waiting: the slower a machine
# starts processes, the longer it takes.
DRAIN_SECONDS = 600.0

Answer = TypeVar("Answer")


class Storm(msgspec.Struct, frozen=True):
    """`drains` are seconds by the epoch that the switch began."""

    summary: Summary
    ids: list[str]
    costs: Costs
    drains: dict[int, float]
    quiet: bool


class _Conductor(threading.Thread):
    """Switches to the other mode whenever the next share of the load has been placed and the
    mode before has drained; a mode that is being drained cannot be switched back to."""

    def __init__(
        self, stage: AnyStage, load: Load, shares: tuple[float, ...], narrate: Callable[[str], None]
    ) -> None:
        super().__init__(name="conductor", daemon=True)
        self.drains: dict[int, float] = {}
        self._failure: Exception | None = None
        self._stage = stage
        self._load = load
        self._shares = shares
        self._narrate = narrate
        self._over = threading.Event()

    def end(self) -> None:
        """After the load: no more switches, and what went wrong surfaces here."""
        self._over.set()
        self.join()
        if self._failure is not None:
            raise self._failure

    def run(self) -> None:
        try:
            for share in self._shares:
                if self._await_share(share):
                    self._switch()
        except Exception as failure:
            self._failure = failure

    def _await_share(self, share: float) -> bool:
        """False: the load is over, and a switch would prove nothing."""
        enough = share * len(self._load.ledger.planned)
        while len(self._load.ledger.placed) < enough:
            if self._over.wait(TURN_SECONDS):
                return False
        return not self._over.is_set()

    def _switch(self) -> None:
        before = _patiently(self._stage.route).mode
        after = _patiently(lambda: self._switched_to(before.other))
        self._narrate(f"switched to {after.mode} (epoch {after.epoch})")
        self.drains[after.epoch] = self._drain(before)

    def _switched_to(self, mode: Mode) -> Route:
        """Asked again, since a fault may kill who answers, it does not switch a second time."""
        route = self._stage.route()
        return route if route.leaves(mode.other) else self._stage.switch(mode)

    def _drain(self, mode: Mode) -> float:
        seconds = self._stage.drain(mode, DRAIN_SECONDS)
        self._narrate(f"the last {mode} order has ended; drained in {seconds:.1f} s")
        return seconds


def weather(
    stage: AnyStage, programme: Programme, watcher: Watcher, narrate: Callable[[str], None]
) -> Storm:
    load = stage.load(programme.storm, programme.seed)
    conductor = _Conductor(stage, load, programme.switch_at, narrate)
    meter = stage.meter()
    meter.begin()
    with _faults(stage, programme, meter):
        conductor.start()
        load.open(programme.rate, programme.seed, watcher, PATIENCE_SECONDS)
    conductor.end()
    meter.tick()
    quiet = stage.await_quiet(PATIENCE_SECONDS)
    summary = summarize(load.ledger, stage.database)
    return Storm(summary, load.ledger.ids, meter.costs(), conductor.drains, quiet)


@contextmanager
def _faults(stage: AnyStage, programme: Programme, meter: Meter) -> Iterator[None]:
    """Counted every second, since a fault may kill who counts."""
    if not programme.faults:
        yield
        return
    stage.set_faults(programme.catalogue)
    try:
        with meter.ticking(TICK_SECONDS):
            yield
    finally:
        calm(stage)


def calm(stage: AnyStage) -> None:
    """Faults off, also on a service that is just coming back."""
    _patiently(lambda: stage.set_faults(Catalogue()))


def _patiently(ask: Callable[[], Answer]) -> Answer:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return ask()
        except (NotReadyError, ProblemError) as error:
            if not _passes(error) or time.monotonic() > deadline:
                raise
            time.sleep(TURN_SECONDS)


def _passes(error: NotReadyError | ProblemError) -> bool:
    """A service that is just starting does not listen yet, or has no database yet."""
    return isinstance(error, NotReadyError) or error.status == UNAVAILABLE
