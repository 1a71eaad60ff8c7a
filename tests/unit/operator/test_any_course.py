"""Whatever happens in whatever order: what a switch may never do, and that it ends."""

from contextlib import suppress
from datetime import timedelta

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from msgspec.structs import replace

from coordination_operator.analysis import Sample
from coordination_operator.errors import Stale, Unavailable
from coordination_operator.phases import TRANSITIONS, Command, Phase
from coordination_operator.plan import Deployed
from coordination_operator.reconcile import once
from coordination_operator.resources import (
    Drain,
    NoData,
    OnTimeout,
    Orchestrator,
    Range,
    Rollback,
    Who,
)
from coordination_operator.status import MOST_UNANNOUNCED, Outcome, Verdict
from services.kit.message import Mode
from tests.unit.operator.a_world import Killed, World
from tests.unit.operator.builders import ERRORS, NOTHING, SOMETHING, a_spec

STEPS = (
    ((10, "10s", 10), (50, "10s")),
    ((25, "5s"),),
    ((1, "0s"), (20, "0s", 10), (100, "5s", 10)),
)
ALWAYS_BAD = replace(ERRORS, name="shown", threshold_range=Range(max=0), dry_run=True)
METRICS = (
    (ERRORS, ALWAYS_BAD),
    (replace(ERRORS, failure_limit=1),),
    *((replace(ERRORS, no_data=no_data),) for no_data in (NoData.FAIL, NoData.PASS)),
)
SAMPLES = (Sample(0.01, 0.01), Sample(0.9, 0.01), Sample(None, 0.01), Sample(error="away"))
FAILED = "AnalysisFailed"
ENDED = (0, 9, 10, 1000)
BOUND = 60  # rounds of good weather
POINTS = (
    *(f"{when} {what}" for when in ("before", "after") for what in ("save", "switch", "scale")),
    *("before measure", "before done_with", "before tell", "after tell"),
)
OF_THE_ROUTE = {"WeightAdvanced", "WeightReturned", "RouteCorrected", "RouteChanged"}


class AnyCourse(RuleBasedStateMachine):
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

    @rule(automatic=st.booleans(), on_timeout=st.sampled_from(OnTimeout))
    def edit_what_happens_on_failure(self, automatic, on_timeout):
        drain, rollback = Drain(on_timeout=on_timeout), Rollback(automatic=automatic)
        self.world.spec = replace(self.world.spec, drain=drain, rollback=rollback)

    @rule(command=st.sampled_from(Command))
    def annotate(self, command):
        self.world.asked.add(command)

    # What happens -------------------------------------------------------------------------------

    @rule(sample=st.sampled_from(SAMPLES))
    def measure_otherwise(self, sample):
        self.world.sample = sample

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
        self.world.spec = replace(self.world.spec, mode=self.world.active.other, suspend=False)
        self.go_on(rounds=3, seconds=3, kind=True)
        self.world.now += timedelta(seconds=seconds)
        self.end_in_good_weather()

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

    def step(self):
        world = self.world
        before, share, epoch = world.status, world.share(self.target), world.epoch
        self.epoch_before = epoch
        wanted = world.orchestrator.wanted
        promoted = Command.PROMOTE in world.asked
        with suppress(Killed, Stale, Unavailable):
            once(world)
        self.assert_a_known_way(before.phase, world.status.phase)
        self.assert_a_reason_to_promote(before, share, promoted)
        self.assert_a_reason_to_give_up(before)
        self.assert_trust_is_earned(before)
        if world.epoch != epoch:
            self.assert_a_lawful_share(share)
        if world.orchestrator.wanted < wanted:
            self.assert_nobody_needs_the_orchestrator()

    @property
    def target(self):
        return self.world.spec.mode.mode

    def assert_a_known_way(self, before, after):
        if before is not None and before is not after:
            assert after in TRANSITIONS[before]

    def assert_a_lawful_share(self, before):
        """Of the target mode: a step's weight, all or nothing; and up by one step at most."""
        world = self.world
        weights = {step.weight for step in world.spec.rollout.steps} | {0, 100}
        share = world.share(self.target)
        assert share in weights
        assert not world.spec.suspend or world.status.phase is Phase.ROLLING_BACK
        if share > before and world.status.phase is Phase.PROGRESSING:
            assert [weight for weight in weights if before < weight < share] == []
            assert self.have_ended_enough(before)

    def assert_a_reason_to_promote(self, before, share, promoted):
        """All new sagas after the last step only if every metric has passed in it, or by hand."""
        after = self.world.status
        if not (before.phase is Phase.PROGRESSING and after.phase is Phase.DRAINING):
            return
        by_hand = share == 100 or promoted
        assert by_hand or (self.has_passed(before) and self.have_ended_enough(share))

    def assert_a_reason_to_give_up(self, before):
        """Measurements give one only where they are judged, and fail more often than they may."""
        after = self.world.status
        given_up = after.phase in (Phase.ROLLING_BACK, Phase.HOLDING)
        if given_up and after.phase is not before.phase and after.rollout.reason == FAILED:
            failures = {each.name: each.failures for each in before.analysis.metrics}
            assert any(failures.get(m.name, 0) > m.failure_limit for m in self.judged)

    def assert_trust_is_earned(self, before):
        """All new sagas are a step, too, where 100 is listed: with no data it does not end, not
        even by hand. And a mode is trusted only when it has everything and the other nothing."""
        after, world = self.world.status, self.world
        if before.phase is None or before.active_mode is after.active_mode:
            return
        steps = world.spec.rollout.steps
        assert before.phase in (Phase.DRAINING, Phase.HOLDING)
        assert world.share(after.active_mode.mode) == 100
        assert world.open[before.active_mode.mode] == 0
        assert world.left[before.active_mode.mode].nothing
        enough = self.has_passed(before) and self.have_ended_enough(100)
        assert steps[-1].weight < 100 or enough

    def has_passed(self, status):
        """All that is judged passed when last measured, which was in this step and not long ago."""
        analysis, world = status.analysis, self.world
        passed = {metric.name: Verdict.PASS for metric in self.judged}
        return (
            analysis is not None
            and analysis.epoch == self.epoch_before
            and abs(world.now - analysis.at) <= timedelta(seconds=15)
            and {each.name: each.verdict for each in analysis.metrics}.items() >= passed.items()
        )

    @property
    def judged(self):
        return [metric for metric in self.world.spec.analysis.metrics if not metric.dry_run]

    def have_ended_enough(self, share):
        """Of the target mode's sagas, in the step of that share."""
        needed = {step.weight: step.min_sagas for step in self.world.spec.rollout.steps}
        return self.world.ended[self.target] >= needed.get(share, 0)

    def assert_nobody_needs_the_orchestrator(self):
        world = self.world
        assert world.share(Mode.ORCHESTRATION) == 0
        assert world.open[Mode.ORCHESTRATION] == 0
        assert world.left[Mode.ORCHESTRATION].nothing

    # What must always be true -------------------------------------------------------------------

    @invariant()
    def at_most_five_switches_are_remembered(self):
        if hasattr(self, "world"):
            assert len(self.world.status.switches) <= 5

    @invariant()
    def whatever_happens_is_saved_as_to_be_announced_and_stays_so_until_it_was(self):
        """So nothing can be passed over, whenever the operator ends."""
        if not hasattr(self, "world"):
            return
        world = self.world
        for before, after in world.saved:
            reasons = {note.reason for note in after.unannounced}
            if before.phase is not None and before.phase is not after.phase:
                assert reasons - OF_THE_ROUTE, (before.phase, after.phase)
            if before.epoch is not None and choreography(before) != choreography(after):
                assert reasons & OF_THE_ROUTE, (before.weight, after.weight)
            lost = set(after.unannounced) - set(world.notes) - set(world.status.unannounced)
            assert not lost or len(world.status.unannounced) == MOST_UNANNOUNCED
        world.saved.clear()

    # What can always be done --------------------------------------------------------------------

    @rule()
    def abort_and_be_back(self):
        """From every state of a rollout, one word leads to where everything was before."""
        world = self.world
        world.settle()
        if Command.ABORT not in world.status.actions:
            return
        active = world.active
        world.asked = {Command.ABORT}
        for _ in range(6):
            world.settle()
            once(world)
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


def choreography(status):
    """Percent of new sagas, as the status has it."""
    of_the_target = status.target_mode is Who.CHOREOGRAPHY
    return status.weight if of_the_target else 100 - status.weight


TestAnyCourse = AnyCourse.TestCase
TestAnyCourse.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
