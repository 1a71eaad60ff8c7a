"""What a switch may never do, whatever happens: looked at around each look of the operator."""

from contextlib import suppress
from datetime import timedelta

from hypothesis.stateful import RuleBasedStateMachine, invariant

from coordination_operator.errors import Stale, Unavailable
from coordination_operator.phases import TRANSITIONS, Command, Phase
from coordination_operator.reconcile import once
from coordination_operator.resources import Who, length
from coordination_operator.status import MOST_UNANNOUNCED, Outcome, Verdict
from services.kit.message import Mode
from tests.unit.operator.a_world import Killed, question
from tests.unit.operator.builders import START, a_spec

FAILED, LATE = "AnalysisFailed", "ProgressDeadlineExceeded"
DEADLINE = length(a_spec().rollout.progress_deadline)
OF_THE_ROUTE = {"WeightAdvanced", "WeightReturned", "RouteCorrected", "RouteChanged"}


class Laws(RuleBasedStateMachine):
    """`world` is the machine's to begin, and to do things to."""

    looked_at, counted = START, timedelta()

    def step(self):
        world = self.world
        before, share, epoch = world.status, world.share(self.target), world.epoch
        self.questions_before = world.questions
        self.count_what_may_be_late(before)
        self.epoch_before = epoch
        wanted = world.orchestrator.wanted
        promoted = Command.PROMOTE in world.asked
        with suppress(Killed, Stale, Unavailable):
            once(world)
        self.assert_a_known_way(before.phase, world.status.phase)
        self.assert_a_reason_to_promote(before, share, promoted)
        self.assert_a_reason_to_give_up(before)
        self.assert_late_after_the_deadline(before)
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
            assert self.was_asked

    def count_what_may_be_late(self, before):
        """In this step and phase, but for what lies between a measurement that nobody answered and
        the next one: at least as much as a deadline may count."""
        now, looked_at = self.world.now, self.looked_at
        self.looked_at = now
        if self.world.epoch != before.epoch:
            self.counted = timedelta()
        if not self.was_not_answered(before):
            self.counted += max(now - looked_at, timedelta())

    def was_not_answered(self, status):
        analysis = status.analysis
        metrics = analysis.metrics if analysis and analysis.epoch == self.world.epoch else ()
        return any(each.verdict is Verdict.ERROR and not each.dry_run for each in metrics)

    def assert_late_after_the_deadline(self, before):
        """Not before it, and not by time that was to be waited."""
        after = self.world.status
        if after.phase is before.phase:
            return
        given_up = after.phase in (Phase.ROLLING_BACK, Phase.HOLDING)
        if given_up and after.rollout.reason == LATE:
            assert self.counted > DEADLINE
            assert before.phase is not Phase.PREPARING or self.cooled_down_for > DEADLINE
        self.counted = timedelta()

    @property
    def cooled_down_for(self):
        """Since a cooldown ended, if there was one to wait for."""
        status, cooldown = self.world.status, length(self.world.spec.rollback.cooldown)
        ended = [s.ended_at for s in status.switches if is_a_failure(s)]
        if not ended or status.rollout.restarted:
            return timedelta.max
        return self.looked_at - ended[0] - cooldown

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
        analysis = status.analysis
        passed = {metric.name: Verdict.PASS for metric in self.judged}
        return (
            analysis is not None
            and analysis.epoch == self.epoch_before
            and abs(self.looked_at - analysis.at) <= timedelta(seconds=15)
            and {each.name: each.verdict for each in analysis.metrics}.items() >= passed.items()
            and self.was_asked
        )

    @property
    def was_asked(self):
        """What is to be judged now, with the bounds of now: that was measured last."""
        wanted = {metric.name: question(metric) for metric in self.judged}
        return self.questions_before.items() >= wanted.items()

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


def is_a_failure(switch):
    return switch.outcome is Outcome.ROLLED_BACK and switch.reason != "SpecChanged"


def choreography(status):
    """Percent of new sagas, as the status has it."""
    of_the_target = status.target_mode is Who.CHOREOGRAPHY
    return status.weight if of_the_target else 100 - status.weight
