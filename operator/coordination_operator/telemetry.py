"""What the operator knows of itself: its health, its metrics, its log."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import msgspec
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from coordination_operator.phases import Phase
from coordination_operator.plan import Note, Observed, Route
from coordination_operator.resources import Who
from coordination_operator.status import CoordinationStatus, Measurement, Verdict
from services.kit.message import Mode

PREFIX = "bandstand_operator"


class Metrics:
    """On a registry of its own; names are as the services' are."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.transitions = self._counter("transitions", "Events about objects", "reason")
        self.errors = self._counter("reconcile_errors", "Reconciliations that failed")
        self.rounds = Histogram(
            f"{PREFIX}_reconcile_seconds",
            "From looking to having done what was decided",
            registry=self.registry,
        )
        self.unseen = self._gauge("unseen", "1 while it cannot be asked", "what")
        self.share = self._gauge("share", "Percent of new sagas", "mode")
        self.epoch = self._gauge("epoch", "Epoch of the route that was seen last")
        self.target = self._gauge("target", "1 for the mode that is asked for", "mode")
        self.step = self._gauge("step", "Steps that the switch under way has reached; 0 at rest")
        self.steps = self._gauge("steps", "Steps that the switch under way has; 0 at rest")
        self.verdict = self._gauge(
            "verdict",
            "1 for the latest verdict on each metric of the analysis, in this epoch of the route",
            "metric",
            "verdict",
        )
        self.left = self._gauge(
            "left",
            "What a mode still has to do: `open` sagas, `unsent`, `parked` and `unread` messages",
            "mode",
            "what",
        )
        self.phase = self._gauge("phase", "1 for the phase that it is in", "phase")
        self.leader = self._gauge("leader", "1 for the replica that acts")

    def observe(self, observed: Observed, notes: Sequence[Note]) -> None:
        for note in notes:
            self.tell(note)
        for what in ("OrderService", "Services", "Orchestrator"):
            self.unseen.labels(what).set(what in observed.unseen)
        if observed.route is not None:
            self._observe_route(observed.route)
        self._observe_status(observed.status)
        self._observe_left(observed)

    def forget(self) -> None:
        """Of an object that is gone nothing is so any more; what was counted, was."""
        gone = (self.phase, self.target, self.share, self.verdict, self.left, self.unseen)
        for gauge in gone:
            gauge.clear()
        self.step.set(0)
        self.steps.set(0)

    def _observe_route(self, route: Route) -> None:
        self.epoch.set(route.epoch)
        for mode in Mode:
            self.share.labels(mode.value).set(route.share(mode))

    def _observe_status(self, status: CoordinationStatus) -> None:
        for phase in Phase:
            self.phase.labels(phase.value).set(phase is status.phase)
        for who in Who:
            self.target.labels(who.mode.value).set(who is status.target_mode)
        reached, _, steps = (status.step or "0/0").partition("/")
        self.step.set(int(reached))
        self.steps.set(int(steps))
        self.verdict.clear()
        for measured in _measured(status):
            for verdict in Verdict:
                self.verdict.labels(measured.name, verdict.value).set(verdict is measured.verdict)

    def _observe_left(self, observed: Observed) -> None:
        """What cannot be seen is not nothing: it has no series."""
        self.left.clear()
        for mode in Mode:
            if observed.route is not None:
                self.left.labels(mode.value, "open").set(observed.route.open.get(mode, 0))
            if observed.left is not None:
                for what, count in msgspec.structs.asdict(observed.left[mode]).items():
                    self.left.labels(mode.value, what).set(count)

    def tell(self, note: Note) -> None:
        self.transitions.labels(note.reason).inc()

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"{PREFIX}_{name}", text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"{PREFIX}_{name}", text, labels, registry=self.registry)


def _measured(status: CoordinationStatus) -> tuple[Measurement, ...]:
    """What was measured of an earlier step says nothing about this one."""
    analysis = status.analysis
    return analysis.metrics if analysis is not None and analysis.epoch == status.epoch else ()


class Health:
    """Alive as long as everybody goes on beating who once did."""

    PATIENCE_SECONDS = 60.0

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._beats: dict[str, float] = {}
        self.leading = False
        self.beat("lease")

    def beat(self, who: str) -> None:
        self._beats[who] = self._clock()

    @property
    def alive(self) -> bool:
        now = self._clock()
        return all(now - beat < self.PATIENCE_SECONDS for beat in list(self._beats.values()))


class JsonLines(logging.Formatter):
    """One JSON object a line, with the name of the object that it is about."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "object": getattr(record, "object", None),
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps({key: value for key, value in line.items() if value is not None})
