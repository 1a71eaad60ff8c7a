"""A world in memory: an order service, an orchestrator, a clock and measurements to be set.

The operator can be killed before each thing that it does, and after each that it has done.
"""

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta

from coordination_operator.analysis import Sample
from coordination_operator.errors import Stale, Unavailable
from coordination_operator.plan import Deployed, Observed, Past, Route
from coordination_operator.reconcile import reconcile
from coordination_operator.resources import CoordinationSpec, Who
from coordination_operator.status import CoordinationStatus
from services.kit.message import Mode
from tests.unit.operator.builders import NOTHING, START, a_spec

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
    hidden: set = field(default_factory=set)
    refuses: bool = False
    forbids: bool = False
    slow: int = 0
    questions: dict = field(default_factory=dict)
    killed_at: str = ""
    deaf: bool = False
    history: list = field(default_factory=list)
    shares: list = field(default_factory=list)
    notes: list = field(default_factory=list)
    saved: list = field(default_factory=list)

    def __post_init__(self):
        self.history.append(Past(self.mode, self.weight, self.changed_at))

    def look(self):
        route = None
        if self.reachable:
            route = Route(
                self.mode, self.weight, self.epoch, self.changed_at, self.now,
                dict(self.open), dict(self.ended), tuple(self.history),
            )  # fmt: skip
        asked = frozenset(self.asked)
        left = self.left if self.reachable and "left" not in self.hidden else None
        orchestrator = None if "orchestrator" in self.hidden else self.orchestrator
        return self.spec, Observed(self.now, self.status, 1, route, left, orchestrator, asked)

    def save(self, status):
        self._maybe_die("before save")
        self.saved.append((self.status, status))
        self.status = status
        self._maybe_die("after save")

    def switch(self, wish):
        self._maybe_die("before switch")
        if not self.reachable:
            raise Unavailable("away")
        if self.refuses:
            raise Unavailable("answers 403: another token is needed")
        if wish.seen_epoch != self.epoch:
            raise Stale("somebody was faster")
        self.set_route(wish.mode, wish.weight)
        self._maybe_die("after switch")

    def set_route(self, mode, weight):
        self.mode, self.weight, self.epoch = mode, weight, self.epoch + 1
        self.changed_at = self.now
        self.history.insert(0, Past(mode, weight, self.now))
        self.shares.append(self.share(Mode.CHOREOGRAPHY))

    def scale(self, replicas):
        self._maybe_die("before scale")
        if self.forbids:
            raise Unavailable("the API server: forbidden")
        self.orchestrator = Deployed(wanted=replicas, ready=0)
        self._maybe_die("after scale")

    def samples(self, wanted, _target):
        self._maybe_die("before measure")
        self.wait(seconds=self.slow)
        self.questions = {metric.name: question(metric) for metric in wanted.metrics}
        return [self.sample for _ in wanted.metrics]

    def done_with(self, commands):
        self._maybe_die("before done_with")
        self.asked -= set(commands)

    def tell(self, notes):
        self._maybe_die("before tell")
        if self.deaf:
            return notes
        self.notes += notes
        self._maybe_die("after tell")
        return ()

    def share(self, mode):
        return self.weight if mode is self.mode else 100 - self.weight

    def wait(self, **time):
        self.now += timedelta(**time)

    def settle(self):
        """Good weather: all that was under way ends, and pods become ready."""
        self.take_routes()
        self.deaf = self.forbids = False
        self.sample, self.ended = GOOD, dict.fromkeys(Mode, 1000)
        self.hidden.clear()
        self.work_off()

    def take_routes(self):
        """All that a way back needs of the weather."""
        self.reachable, self.refuses, self.killed_at = True, False, ""

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
        if self.killed_at == where:
            self.killed_at = ""
            raise Killed(where)


def question(metric):
    """What is asked, and what the answer has to be like."""
    return metric.query, metric.threshold_range, metric.no_data


def a_world(**spec):
    world = World(a_spec(mode=Who.ORCHESTRATION, **spec))
    run(world)
    world.spec = a_spec(**spec)
    return world


def run(world, rounds=1, seconds=6):
    for _ in range(rounds):
        world.wait(seconds=seconds)
        with suppress(Unavailable):
            reconcile(world)
        world.work_off()
    return world.status.phase


def run_killed(world, rounds, point):
    """As `run`, but each operator is killed at that point, and the next one goes on."""
    for _ in range(rounds):
        world.wait(seconds=6)
        world.killed_at = point
        with suppress(Killed):
            reconcile(world)
        reconcile(world)
        world.work_off()


def reasons(world):
    return [note.reason for note in world.notes]
