"""Whatever happens in whatever order: a switch keeps the laws, can be aborted, and ends."""

from datetime import timedelta

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import initialize, rule
from msgspec.structs import replace

from coordination_operator.analysis import Sample
from coordination_operator.phases import Command, Phase
from coordination_operator.plan import Deployed
from coordination_operator.resources import (
    Drain,
    NoData,
    OnTimeout,
    Orchestrator,
    Range,
    Rollback,
    Who,
)
from coordination_operator.status import Outcome
from services.kit.message import Mode
from tests.unit.operator.a_world import World
from tests.unit.operator.builders import ERRORS, NOTHING, SOMETHING, a_spec
from tests.unit.operator.laws import Laws

STEPS = (
    ((10, "10s", 10), (50, "10s")),
    ((25, "5s"),),
    ((1, "0s"), (20, "0s", 10), (100, "5s", 10)),
)
ALWAYS_BAD = replace(ERRORS, name="shown", threshold_range=Range(max=0), dry_run=True)
METRICS = (
    (ERRORS, ALWAYS_BAD),
    (replace(ERRORS, failure_limit=1),),
    (replace(ERRORS, query="others{$mode}"),),
    (replace(ERRORS, threshold_range=Range(max=0.5)),),
    *((replace(ERRORS, no_data=no_data),) for no_data in (NoData.FAIL, NoData.PASS)),
)
AWAY = Sample(error="away")
SAMPLES = (Sample(0.01, 0.01), Sample(0.9, 0.01), Sample(None, 0.01), AWAY)
ENDED = (0, 9, 10, 1000)
BOUND = 60  # rounds of good weather
POINTS = (
    *(f"{when} {what}" for when in ("before", "after") for what in ("save", "switch", "scale")),
    *("before measure", "before done_with", "before tell", "after tell"),
)


class AnyCourse(Laws):
    @initialize(
        mode=st.sampled_from(Mode),
        steps=st.sampled_from(STEPS),
        metrics=st.sampled_from(METRICS),
        ended=st.sampled_from(ENDED),
        idle=st.booleans(),
    )
    def begin(self, mode, steps, metrics, ended, idle):
        orchestrator = Orchestrator(scale_to_zero_when_idle=idle)
        spec = a_spec(Who.of(mode), steps, metrics, orchestrator=orchestrator)
        self.world = World(spec, mode, ended=dict.fromkeys(Mode, ended))
        self.step()

    # What people do -----------------------------------------------------------------------------

    @rule(mode=st.sampled_from(Who))
    def edit_the_mode(self, mode):
        self.world.spec = replace(self.world.spec, mode=mode)

    @rule(steps=st.sampled_from(STEPS))
    def edit_the_steps(self, steps):
        self.world.spec = replace(self.world.spec, rollout=a_spec(steps=steps).rollout)

    @rule(metrics=st.sampled_from(METRICS))
    def edit_the_metrics(self, metrics):
        self.world.spec = replace(self.world.spec, analysis=a_spec(metrics=metrics).analysis)

    @rule(suspend=st.booleans())
    def suspend(self, suspend):
        self.world.spec = replace(self.world.spec, suspend=suspend)

    @rule(
        automatic=st.booleans(),
        on_timeout=st.sampled_from(OnTimeout),
        cooldown=st.sampled_from(["0s", "10m"]),
    )
    def edit_what_happens_on_failure(self, automatic, on_timeout, cooldown):
        drain = Drain(on_timeout=on_timeout)
        rollback = Rollback(automatic=automatic, cooldown=cooldown)
        self.world.spec = replace(self.world.spec, drain=drain, rollback=rollback)

    @rule(command=st.sampled_from(Command))
    def annotate(self, command):
        self.world.asked.add(command)

    # What happens -------------------------------------------------------------------------------

    @rule(sample=st.sampled_from(SAMPLES))
    def measure_otherwise(self, sample):
        self.world.sample = sample

    @rule(seconds=st.sampled_from([0, 6]))
    def measure_slowly(self, seconds):
        """Longer than the interval, and it stays so whatever the weather."""
        self.world.slow = seconds

    @rule(mode=st.sampled_from(Mode), count=st.sampled_from(ENDED))
    def have_ended_sagas_in_this_step(self, mode, count):
        self.world.ended[mode] = count

    @rule(choreography=st.integers(0, 5), orchestration=st.integers(0, 5))
    def have_open_sagas(self, choreography, orchestration):
        self.world.open = {Mode.CHOREOGRAPHY: choreography, Mode.ORCHESTRATION: orchestration}

    @rule(mode=st.sampled_from(Mode), left=st.sampled_from((NOTHING, SOMETHING)))
    def have_messages_left(self, mode, left):
        self.world.left = {**self.world.left, mode: left}

    @rule(reachable=st.booleans())
    def lose_the_order_service(self, reachable):
        self.world.reachable = reachable

    @rule(what=st.sampled_from(["left", "orchestrator"]))
    def lose_sight_of_what_is_left_or_of_the_orchestrator(self, what):
        self.world.hidden ^= {what}

    @rule(refuses=st.booleans())
    def be_refused_by_the_order_service(self, refuses):
        self.world.refuses = refuses

    @rule(ready=st.integers(0, 1))
    def have_an_orchestrator(self, ready):
        wanted = self.world.orchestrator.wanted
        self.world.orchestrator = Deployed(wanted=wanted, ready=min(wanted, ready))

    @rule(forbids=st.booleans())
    def be_refused_by_kubernetes(self, forbids):
        self.world.forbids = forbids

    @rule()
    def lose_the_orchestrator(self):
        """Somebody else has scaled it away."""
        self.world.orchestrator = Deployed(wanted=0, ready=0)

    @rule(seconds=st.sampled_from([-3600, -5, 1, 3, 5, 10, 60, 7200]))
    def let_the_clock_jump(self, seconds):
        self.world.now += timedelta(seconds=seconds)

    @rule(where=st.sampled_from(POINTS))
    def kill_the_operator(self, where):
        self.world.killed_at = where

    @rule(deaf=st.booleans())
    def lose_the_events(self, deaf):
        self.world.deaf = deaf

    @rule(seconds=st.sampled_from([-3600, 3600]))
    def let_the_clock_jump_in_a_rollout(self, seconds):
        """And whatever was waited for, it ends."""
        self.go_on_in_a_rollout(rounds=3)
        self.world.now += timedelta(seconds=seconds)
        self.end_in_good_weather()

    @rule(
        rounds=st.integers(1, 9),
        metrics=st.tuples(st.sampled_from(METRICS), st.sampled_from(METRICS)),
        sample=st.sampled_from(SAMPLES),
    )
    def edit_the_metrics_in_a_rollout(self, rounds, metrics, sample):
        self.world.sample = sample
        for each in metrics:
            self.edit_the_metrics(each)
            self.go_on_in_a_rollout(rounds)

    @rule(seconds=st.sampled_from([30, 600]), sample=st.sampled_from(SAMPLES))
    def lose_prometheus_in_a_rollout(self, seconds, sample):
        self.go_on_in_a_rollout(rounds=2)
        self.world.sample = AWAY
        self.go_on(rounds=2, seconds=6, kind=True)
        self.world.now += timedelta(seconds=seconds)
        self.world.sample = sample
        self.go_on(rounds=3, seconds=1, kind=True)

    @rule(seconds=st.sampled_from([590, 700, 800]))
    def lose_the_orchestrator_in_a_cooldown(self, seconds):
        """After a rollback the same is asked for again."""
        world = self.world
        self.go_on_in_a_rollout(rounds=2)
        world.take_routes()
        world.asked = {Command.ABORT}
        self.go_on(rounds=3, seconds=1, kind=True)
        world.spec = replace(world.spec, rollback=Rollback(cooldown="10m"))
        for mode in (world.active, world.active.other):
            self.edit_the_mode(mode)
            self.go_on(rounds=2, seconds=1, kind=True)
        world.now += timedelta(seconds=seconds)
        self.have_an_orchestrator(0)
        self.go_on(rounds=3, seconds=6, kind=False)

    @rule(rounds=st.integers(1, 9), slow=st.sampled_from([0, 6]))
    def be_refused_in_a_rollout(self, rounds, slow):
        """And as soon as it may, it does what it could not."""
        self.measure_slowly(slow)
        self.be_refused_by_the_order_service(refuses=True)
        self.go_on_in_a_rollout(rounds)
        self.world.settle()
        for _ in range(4):
            self.step()
        assert self.world.status.undone is None

    @rule(weight=st.integers(0, 100), mode=st.sampled_from(Mode))
    def let_somebody_else_switch(self, weight, mode):
        self.world.set_route(mode, weight)

    # What the operator does ---------------------------------------------------------------------

    @rule(rounds=st.integers(1, 6), seconds=st.sampled_from([1, 3, 6]), kind=st.booleans())
    def go_on(self, rounds, seconds, kind):
        """Time passes and the operator looks; in kind weather open sagas end meanwhile."""
        for _ in range(rounds):
            self.world.wait(seconds=seconds)
            if kind:
                self.world.work_off()
            self.step()

    def go_on_in_a_rollout(self, rounds, seconds=3):
        self.world.spec = replace(self.world.spec, mode=self.world.active.other, suspend=False)
        self.go_on(rounds, seconds, kind=True)

    # What can always be done --------------------------------------------------------------------

    @rule(rounds=st.integers(1, 9), orchestrator=st.booleans(), forbids=st.booleans())
    def abort_and_be_back(self, rounds, orchestrator, forbids):
        """From every state of a rollout, and whatever else is the matter, one word leads to where
        everything was before, if only the order service takes it."""
        world = self.world
        self.go_on_in_a_rollout(rounds)
        if not orchestrator:
            self.lose_the_orchestrator()
        world.forbids = forbids
        world.take_routes()
        if Command.ABORT not in world.status.actions:
            return
        active = world.active
        world.asked = {Command.ABORT}
        for _ in range(6):
            self.step()
        assert world.share(active.mode) == 100
        assert world.status.phase in (Phase.ROLLING_BACK, Phase.ROLLED_BACK, Phase.STABLE)

    @rule()
    def end_in_good_weather(self):
        """Left alone with good measurements, every course comes to rest where it was asked to."""
        world = self.world
        world.spec = replace(world.spec, suspend=False, rollback=Rollback(automatic=True))
        world.asked.clear()
        for _ in range(BOUND):
            world.settle()
            for _ in range(3):
                self.step()
            world.wait(seconds=7)
            if world.status.phase is Phase.ROLLED_BACK:
                world.asked = {Command.RESTART}
            if world.status.phase is Phase.HOLDING:
                world.asked = {Command.PROMOTE}
        world.settle()
        assert world.status.phase is Phase.STABLE, world.status.message
        assert world.active is world.spec.mode
        assert world.share(world.spec.mode.mode) == 100
        ready = world.status.condition("Ready")
        assert ready is not None
        assert ready.status == "True"
        assert all(switch.outcome in Outcome for switch in world.status.switches)
        assert world.status.unannounced == ()


TestAnyCourse = AnyCourse.TestCase
TestAnyCourse.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
