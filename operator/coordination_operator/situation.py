"""What follows from what is asked for and what is seen, before anything is decided."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property

from coordination_operator.phases import AT_REST, ROLLOUT, VALID, Command, Phase
from coordination_operator.plan import Deployed, Observed, Route
from coordination_operator.resources import CoordinationSpec, Metric, Step, Who, length
from coordination_operator.status import (
    AnalysisStatus,
    CoordinationStatus,
    Measurement,
    Outcome,
    Verdict,
)

ALL = 100
GRACE = timedelta(seconds=5)


def clock(moment: datetime) -> str:
    """A time and not what is left of it, so that a status does not change by the second."""
    return f"{moment.astimezone(UTC):%H:%M:%SZ}"


@dataclass(frozen=True)
class Situation:
    spec: CoordinationSpec
    observed: Observed
    status: CoordinationStatus
    route: Route
    phase: Phase
    active: Who
    now: datetime

    @property
    def wanted(self) -> Who:
        return self.spec.mode

    @property
    def target(self) -> Who:
        """Of the rollout under way; at rest, what is asked for."""
        rollout = self.status.rollout
        if rollout is not None and self.phase not in AT_REST:
            return rollout.target
        return self.wanted

    @property
    def share(self) -> int:
        return self.route.share(self.target.mode)

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """With the last one, which is implied."""
        steps = self.spec.rollout.steps
        if steps and steps[-1].weight == ALL:
            return steps
        return (*steps, Step(weight=ALL, min_duration="0s"))

    @cached_property
    def step_number(self) -> int:
        """How many steps the share has reached; one between two steps belongs to the lower one."""
        return sum(step.weight <= self.share for step in self.steps)

    @property
    def step(self) -> Step | None:
        return self.steps[self.step_number - 1] if self.step_number else None

    @property
    def next_weight(self) -> int:
        return self.steps[min(self.step_number, len(self.steps) - 1)].weight

    def since(self, moment: datetime | None) -> timedelta:
        """Never negative: a clock that is set back makes everybody wait, and nothing else."""
        return max(self.now - moment, timedelta()) if moment else timedelta()

    @property
    def in_step(self) -> timedelta:
        return self.since(self.route.changed_at)

    @property
    def deadline_passed(self) -> bool:
        """Of a step. Nobody is blamed for time that was frozen or out of sight."""
        moments = [self.route.changed_at, self.status.phase_since, self.status.clear_since]
        latest = max(moment for moment in moments if moment is not None)
        late = self.since(latest) > length(self.spec.rollout.progress_deadline)
        return late and (self.phase is Phase.PREPARING or not self.judged or self.is_fresh)

    @property
    def drain_timed_out(self) -> bool:
        moments = [m for m in (self.status.phase_since, self.status.clear_since) if m]
        return bool(moments) and self.since(max(moments)) > length(self.spec.drain.timeout)

    def drained(self, who: Who) -> bool:
        """Proven: what cannot be seen is not drained."""
        left = self.observed.left
        mode = who.mode
        return not (self.route.share(mode) or self.route.open.get(mode, 0)) and (
            left is not None and left[mode].nothing
        )

    def still_has(self, who: Who) -> str:
        """What a drain waits for, in words."""
        mode, left = who.mode, self.observed.left
        if count := self.route.open.get(mode, 0):
            return f"{count} open sagas of {mode}"
        if left is None:
            why = self.observed.unseen.get("Services", "not seen yet")
            return f"what the services have left of {mode} cannot be seen: {why}"
        return f"messages of {mode}: {left[mode].text}" if left[mode].text else f"{mode}"

    @property
    def frozen(self) -> bool:
        """Suspended; but a way back that was begun is gone to its end."""
        return self.spec.suspend and self.phase is not Phase.ROLLING_BACK

    @property
    def valid_commands(self) -> tuple[Command, ...]:
        """What an annotation may ask for; of what is frozen, only the way back."""
        commands = VALID[self.phase]
        return tuple(c for c in commands if c is Command.ABORT) if self.frozen else commands

    @property
    def orchestrator_needed(self) -> bool:
        """By new sagas, by those that are open, or by those that are about to come."""
        coming = self.target is Who.ORCHESTRATION and self.phase in ROLLOUT
        at_home = self.active is Who.ORCHESTRATION
        return coming or at_home or not self.drained(Who.ORCHESTRATION)

    @property
    def orchestrator_ready(self) -> bool:
        """A target that is not the orchestrator's needs none."""
        deployed: Deployed | None = self.observed.orchestrator
        if self.target is not Who.ORCHESTRATION:
            return True
        return deployed is not None and deployed.wanted > 0 and deployed.ready > 0

    @property
    def cooldown_left(self) -> timedelta:
        """Until a rollout may begin again by itself after one that failed."""
        rollout = self.status.rollout
        failures = [each for each in self.status.switches if each.outcome is Outcome.ROLLED_BACK]
        last = next((each for each in failures if each.reason != "SpecChanged"), None)
        if last is None or (rollout is not None and rollout.restarted):
            return timedelta()
        waited = self.since(last.ended_at)
        return max(length(self.spec.rollback.cooldown) - waited, timedelta())

    # The judgement of this step. ----------------------------------------------------------------

    @property
    def analysis(self) -> AnalysisStatus | None:
        """Only what was measured since the route was changed."""
        analysis = self.status.analysis
        return analysis if analysis is not None and analysis.epoch == self.route.epoch else None

    def measurement(self, metric: Metric) -> Measurement | None:
        metrics = self.analysis.metrics if self.analysis else ()
        return next((each for each in metrics if each.name == metric.name), None)

    @property
    def judged(self) -> list[Metric]:
        return [metric for metric in self.spec.analysis.metrics if not metric.dry_run]

    @property
    def failed(self) -> Measurement | None:
        """A metric that failed more often in this step than is put up with."""
        for metric in self.judged:
            found = self.measurement(metric)
            if found is not None and found.failures > metric.failure_limit:
                return found
        return None

    @property
    def unproven(self) -> str:
        """The first metric that has not passed when it was last measured, and why."""
        if self.judged and not self.is_fresh:
            return "this step was not measured yet"
        for metric in self.judged:
            found = self.measurement(metric)
            if found is None:
                return f"{metric.name} was not measured yet"
            if found.verdict is not Verdict.PASS:
                return found.message
        return ""

    @property
    def is_fresh(self) -> bool:
        """Whether the latest measurements may still be believed."""
        interval = length(self.spec.analysis.interval)
        return self.analysis is not None and self.since(self.analysis.at) <= 2 * interval + GRACE

    @property
    def measuring_due(self) -> timedelta | None:
        """How long until the next measurement; None if there is nothing to measure."""
        if not self.spec.analysis.metrics:
            return None
        last = self.analysis.at if self.analysis else self.route.changed_at
        return max(length(self.spec.analysis.interval) - self.since(last), timedelta())

    @property
    def step_passed(self) -> bool:
        """A step that was begun, has lasted, and whose every metric passed when last measured."""
        if self.step is None:
            return len(self.steps) == 1
        return self.step.weight == self.share and not self.waits_for

    @property
    def waits_for(self) -> str:
        """Why this step is not over yet."""
        return self.too_early or self.unproven

    @property
    def too_early(self) -> str:
        """What this step still waits for, apart from its judgement."""
        step = self.step
        if step is None:
            return ""
        lasts = length(step.min_duration)
        if self.in_step < lasts:
            return f"this step lasts until {clock(self.route.changed_at + lasts)}"
        ended = self.route.ended.get(self.target.mode, 0)
        if ended < step.min_sagas:
            return f"{ended} of {step.min_sagas} sagas have ended in this step"
        return ""
