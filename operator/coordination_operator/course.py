"""Where a switch stands: its steps, and who still has something to do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from coordination_operator.phases import AT_REST, ROLLOUT, Phase
from coordination_operator.plan import Deployed, Observed, Route
from coordination_operator.resources import CoordinationSpec, Step, Who
from coordination_operator.status import ALL, CoordinationStatus


@dataclass(frozen=True)
class Course:
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
        return steps if self.all_is_a_step else (*steps, Step(weight=ALL, min_duration="0s"))

    @cached_property
    def step_number(self) -> int:
        """How many steps the share has reached; one between two steps belongs to the lower one."""
        return sum(step.weight <= self.share for step in self.steps)

    @property
    def step(self) -> Step | None:
        return self.steps[self.step_number - 1] if self.step_number else None

    @property
    def step_weight(self) -> int:
        return self.step.weight if self.step else 0

    @property
    def next_weight(self) -> int:
        return self.steps[min(self.step_number, len(self.steps) - 1)].weight

    @property
    def all_is_a_step(self) -> bool:
        steps = self.spec.rollout.steps
        return bool(steps) and steps[-1].weight == ALL

    def since(self, moment: datetime | None) -> timedelta:
        """Never negative, though the route may be of a time that has not come yet."""
        return max(self.now - moment, timedelta()) if moment else timedelta()

    @property
    def in_step(self) -> timedelta:
        return self.since(self.step_since)

    @property
    def step_since(self) -> datetime:
        return self.status.step_since or self.route.changed_at

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
    def orchestrator_needed(self) -> bool:
        """By sagas that are about to come, by new or open ones, or by messages: seen, for nobody is
        fetched back because a service did not answer."""
        coming = self.target is Who.ORCHESTRATION and self.phase in ROLLOUT
        at_home = self.active is Who.ORCHESTRATION
        mode, left = Who.ORCHESTRATION.mode, self.observed.left
        sagas = self.route.share(mode) or self.route.open.get(mode, 0)
        return coming or at_home or bool(sagas) or (left is not None and not left[mode].nothing)

    @property
    def orchestrator_ready(self) -> bool:
        """A target that is not the orchestrator's needs none."""
        deployed: Deployed | None = self.observed.orchestrator
        if self.target is not Who.ORCHESTRATION:
            return True
        return deployed is not None and deployed.wanted > 0 and deployed.ready > 0

    @property
    def unready(self) -> str:
        return "" if self.orchestrator_ready else "the orchestrator is not ready"
