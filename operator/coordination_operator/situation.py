"""What follows from what is asked for and what is seen, before anything is decided."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from coordination_operator.analysis import answer_to, asked, needs_stable
from coordination_operator.course import Course
from coordination_operator.phases import VALID, Command, Phase
from coordination_operator.resources import Metric, length
from coordination_operator.status import ALL, AnalysisStatus, Measurement, Outcome, Verdict
from coordination_operator.trials import earlier_trial

GRACE = timedelta(seconds=5)
DRAIN_TIMED_OUT = "DrainTimedOut"


def clock(moment: datetime) -> str:
    """A time and not what is left of it, so that a status does not change by the second."""
    return f"{moment.astimezone(UTC):%H:%M:%SZ}"


@dataclass(frozen=True)
class Situation(Course):
    """A course as it is judged: what it waits for, what has failed, what may be asked for."""

    @property
    def wanted_share(self) -> int:
        """Of the target mode, as the phase has it; what lies between two steps goes back to the
        lower one."""
        match self.phase:
            case Phase.HOLDING:
                return self.share
            case Phase.DRAINING:
                return ALL
            case Phase.PROGRESSING:
                return self.next_weight if self.step_passed else self.step_weight
            case _:
                return ALL if self.target is self.active else 0

    @property
    def deadline_passed(self) -> bool:
        """Of a step; of the last one after its drain. Whoever has no sagas yet has no measurements
        to wait for."""
        draining = length(self.spec.drain.timeout) if self.phase is Phase.DRAINING else timedelta()
        late = self.since(self.timed_since) > (
            length(self.spec.rollout.progress_deadline) + draining
        )
        to_be_judged = self.judged and self.phase is not Phase.PREPARING and self.share
        return late and bool(self.held_up) and (not to_be_judged or self.can_be_measured)

    @property
    def timed_since(self) -> datetime:
        """Since when the deadline counts: nobody is blamed for time that was frozen or out of
        sight, could not be measured, or was to be waited for."""
        moments = [self.step_since, self.status.phase_since, self.status.clear_since]
        if self.analysis is not None:
            moments.append(self.analysis.clear_since)
        if self.phase is Phase.PREPARING:
            moments.append(self.cooled_down)
        return max(moment for moment in moments if moment is not None)

    @property
    def clear_since(self) -> datetime | None:
        """Of what is measured now: put off by the time in which something that is judged could not
        be. That without a route was not counted anyway."""
        if self.analysis is not None and self.can_be_measured:
            return self.analysis.clear_since
        away = max(self.since(self.measured_at) - self.observed.blind, timedelta())
        return min(self.timed_since + away, self.now)

    @property
    def drain_timed_out(self) -> bool:
        moments = [m for m in (self.status.phase_since, self.status.clear_since) if m]
        return bool(moments) and self.since(max(moments)) > length(self.spec.drain.timeout)

    @property
    def frozen(self) -> bool:
        """Suspended; but a way back that was begun is gone to its end."""
        return self.spec.suspend and self.phase is not Phase.ROLLING_BACK

    @property
    def valid_commands(self) -> tuple[Command, ...]:
        """What an annotation may ask for: of what is frozen, only the way back; nobody is given
        everything who could not do it, and nobody who has it already."""
        invalid = set()
        if self.frozen:
            invalid = {Command.PROMOTE, Command.RESTART}
        elif not self.orchestrator_ready or self.held_for_its_drain:
            invalid = {Command.PROMOTE}
        return tuple(command for command in VALID[self.phase] if command not in invalid)

    @property
    def held_for_its_drain(self) -> bool:
        """It has everything, and only the old mode's open sagas are waited for."""
        rollout = self.status.rollout
        timed_out = rollout is not None and rollout.reason == DRAIN_TIMED_OUT
        return self.phase is Phase.HOLDING and self.share == ALL and timed_out

    @property
    def cooldown_left(self) -> timedelta:
        return max(self.cooled_down - self.now, timedelta()) if self.cooled_down else timedelta()

    @property
    def cooled_down(self) -> datetime | None:
        """When a rollout may begin again by itself after one that failed."""
        rollout = self.status.rollout
        failures = [each for each in self.status.switches if each.outcome is Outcome.ROLLED_BACK]
        last = next((each for each in failures if each.reason != "SpecChanged"), None)
        if last is None or (rollout is not None and rollout.restarted):
            return None
        return last.ended_at + length(self.spec.rollback.cooldown)

    @property
    def reach(self) -> timedelta | None:
        """How far back figures are of this trial and no other: since the last one had drained,
        where that is remembered; else since the target mode has had a share."""
        last = self.status.switches[0].ended_at if self.status.switches else None
        earlier = earlier_trial(self.route.history, self.target.mode)
        if earlier is None or (last is not None and last >= earlier.ended):
            return self.since(last) if last is not None else None
        return self.since(min(earlier.began, self.step_since))

    @property
    def analysis(self) -> AnalysisStatus | None:
        """Only what was measured since the route was changed."""
        analysis = self.status.analysis
        return analysis if analysis is not None and analysis.epoch == self.route.epoch else None

    def measurement(self, metric: Metric) -> Measurement | None:
        """Of the same name and question: what another one had as its answer says nothing."""
        metrics = self.analysis.metrics if self.analysis else ()
        return answer_to(metric.name, asked(metric), metrics)

    @property
    def measurements(self) -> list[Measurement]:
        found = (self.measurement(metric) for metric in self.spec.analysis.metrics)
        return [each for each in found if each is not None]

    @property
    def judged(self) -> list[Metric]:
        return [metric for metric in self.spec.analysis.metrics if not metric.dry_run]

    @property
    def failed(self) -> Measurement | None:
        """A metric that failed more often in this step than is put up with."""
        for metric in self.judged:
            found = self.measurement(metric)
            if found is None or self._has_nothing_to_compare_with(metric, found):
                continue
            if found.failures > metric.failure_limit:
                return found
        return None

    def _has_nothing_to_compare_with(self, metric: Metric, found: Measurement) -> bool:
        """Who has everything is alone: the other mode's figures end, and that is nobody's fault."""
        missing = found.value is not None and found.stable is None
        return self.share == ALL and needs_stable(metric) and missing

    @property
    def unproven(self) -> str:
        """The first metric that has not passed when it was last measured, and why. All new sagas
        are a step to be judged where 100 is listed; otherwise the steps before have said enough."""
        if self.share == ALL and not self.all_is_a_step:
            return ""
        if self.judged and not self.is_fresh:
            return "this step was not measured yet"
        for metric in self.judged:
            found = self.measurement(metric)
            if found is None:
                return f"{metric.name} was not measured yet"
            passed = found.verdict is Verdict.PASS
            if not passed and not self._has_nothing_to_compare_with(metric, found):
                return found.message
        return ""

    @property
    def is_fresh(self) -> bool:
        """Whether the latest measurements may still be believed."""
        interval = length(self.spec.analysis.interval)
        return self.analysis is not None and self.since(self.analysis.at) <= 2 * interval + GRACE

    @property
    def can_be_measured(self) -> bool:
        """Whether all that is judged was seen just now, whatever it was like."""
        latest = [self.measurement(metric) for metric in self.judged]
        return self.is_fresh and all(m and m.verdict is not Verdict.ERROR for m in latest)

    @property
    def measuring_due(self) -> timedelta | None:
        """How long until the next measurement; None if there is nothing to measure. What was edited
        since the last one is measured at once."""
        metrics = self.spec.analysis.metrics
        if not metrics:
            return None
        if self.analysis is not None and len(self.measurements) < len(metrics):
            return timedelta()
        waited = self.since(self.measured_at)
        return max(length(self.spec.analysis.interval) - waited, timedelta())

    @property
    def measured_at(self) -> datetime:
        """In this step, or when it began."""
        return self.analysis.at if self.analysis else self.step_since

    @property
    def step_passed(self) -> bool:
        """It has lasted, and every metric passed when last measured; before the first one only the
        orchestrator is waited for."""
        if self.step is None:
            return not self.unready
        return self.step.weight == self.share and not self.waits_for

    @property
    def waits_for(self) -> str:
        """Why this step is not over yet."""
        return self.too_early or self.unready or self.unproven

    @property
    def held_up(self) -> str:
        """Why it does not go on: what was to be done could not be, or should not be done yet."""
        return self.trouble or (self.waits_for if self.share else self.unready)

    @property
    def trouble(self) -> str:
        """Why what was to be done could not be."""
        undone = self.status.undone
        return f"{undone.reason}: {undone.message}" if undone else ""

    @property
    def too_early(self) -> str:
        """What this step still waits for, apart from its judgement."""
        step = self.step
        if step is None:
            return ""
        lasts = length(step.min_duration)
        if self.in_step < lasts:
            return f"this step lasts until {clock(self.step_since + lasts)}"
        ended = self.route.ended.get(self.target.mode, 0)
        if ended < step.min_sagas:
            return f"{ended} of {step.min_sagas} sagas have ended in this step"
        return ""
