"""A world in memory: an order service, an orchestrator, a clock and measurements to be set."""

from dataclasses import dataclass, field
from datetime import timedelta

from coordination_operator.analysis import Sample
from coordination_operator.errors import Stale, Unavailable
from coordination_operator.plan import Deployed, Observed, Route
from coordination_operator.resources import CoordinationSpec, Who
from coordination_operator.status import CoordinationStatus
from services.kit.message import Mode
from tests.unit.operator.builders import NOTHING, START

GOOD = Sample(0.01, 0.01)
READY = Deployed(wanted=1, ready=1)


class Killed(Exception):
    """The operator ends here; the next one sees what it left."""


@dataclass
class World:
    spec: CoordinationSpec
    mode: Mode = Mode.ORCHESTRATION
    weight: int = 100
    epoch: int = 1
    now: object = START
    changed_at: object = START
    open: dict = field(default_factory=lambda: dict.fromkeys(Mode, 0))
    left: dict = field(default_factory=lambda: dict.fromkeys(Mode, NOTHING))
    ended: dict = field(default_factory=lambda: dict.fromkeys(Mode, 1000))
    sample: Sample = GOOD
    orchestrator: Deployed = READY
    status: CoordinationStatus = field(default_factory=CoordinationStatus)
    asked: set = field(default_factory=set)
    reachable: bool = True
    killed_before: str = ""
    shares: list = field(default_factory=list)
    notes: list = field(default_factory=list)

    def look(self):
        route = None
        if self.reachable:
            route = Route(
                self.mode, self.weight, self.epoch, self.changed_at, self.now,
                dict(self.open), dict(self.ended),
            )  # fmt: skip
        asked = frozenset(self.asked)
        left = self.left if self.reachable else None
        return self.spec, Observed(self.status, 1, route, left, self.orchestrator, asked)

    def save(self, status):
        self._maybe_die("save")
        self.status = status

    def switch(self, wish):
        self._maybe_die("switch")
        if not self.reachable:
            raise Unavailable("away")
        if wish.seen_epoch != self.epoch:
            raise Stale("somebody was faster")
        self.set_route(wish.mode, wish.weight)

    def set_route(self, mode, weight):
        self.mode, self.weight, self.epoch = mode, weight, self.epoch + 1
        self.changed_at = self.now
        self.shares.append(self.share(Mode.CHOREOGRAPHY))

    def scale(self, replicas):
        self._maybe_die("scale")
        self.orchestrator = Deployed(wanted=replicas, ready=0)

    def samples(self, wanted, _target):
        self._maybe_die("measure")
        return [self.sample for _ in wanted.metrics]

    def done_with(self, commands):
        self._maybe_die("done_with")
        self.asked -= set(commands)

    def tell(self, notes):
        self._maybe_die("tell")
        self.notes += notes

    def share(self, mode):
        return self.weight if mode is self.mode else 100 - self.weight

    def wait(self, **time):
        self.now += timedelta(**time)

    def settle(self):
        """Good weather: all that was under way ends, and pods become ready."""
        self.reachable, self.killed_before = True, ""
        self.sample = GOOD
        self.work_off()

    def work_off(self):
        """Open sagas end where no new ones come, and pods become ready."""
        self.left = dict.fromkeys(Mode, NOTHING)
        self.open = {mode: 3 if self.share(mode) else 0 for mode in Mode}
        wanted = self.orchestrator.wanted
        self.orchestrator = Deployed(wanted=wanted, ready=wanted)

    @property
    def active(self):
        return self.status.active_mode or Who.ORCHESTRATION

    def _maybe_die(self, where):
        if self.killed_before == where:
            self.killed_before = ""
            raise Killed(where)
