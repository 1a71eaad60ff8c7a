"""What the orchestrator remembers of one saga: plain data, stored as JSON."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from services.policy.ruling import Held


class Path(StrEnum):
    """Where a saga is going."""

    FORWARD = "forward"
    UNDO = "undo"
    REJECTION = "rejection"
    ENDED = "ended"


class StepStatus(StrEnum):
    SENT = "sent"
    DONE = "done"
    REFUSED = "refused"
    UNDOING = "undoing"
    UNDONE = "undone"


class StepState(msgspec.Struct, frozen=True):
    """`attempt` counts within one direction; `deadline` is in seconds since the epoch."""

    status: StepStatus
    attempt: int = 1
    deadline: float | None = None


class SagaState(msgspec.Struct, frozen=True):
    """`stage` counts along the path; a step that is not in `steps` has not been asked for.

    `turn` counts decisions: it numbers the step log. `holds` are what rules hold, by their names.
    """

    path: Path = Path.FORWARD
    stage: int = 0
    steps: dict[str, StepState] = {}
    reason: str | None = None
    turn: int = 0
    holds: dict[str, Held] = {}

    @property
    def deadline(self) -> float | None:
        """When something has to happen without being told."""
        deadlines = [step.deadline for step in self.steps.values() if step.deadline is not None]
        if self.holds and self.path is Path.FORWARD:
            deadlines += [held.until for held in self.holds.values() if not held.answer]
        return min(deadlines, default=None)

    @property
    def outcome(self) -> str | None:
        if self.path is not Path.ENDED:
            return None
        return "rejected" if self.reason else "confirmed"

    def is_stuck(self, after_attempts: int) -> bool:
        return any(
            step.attempt > after_attempts
            for step in self.steps.values()
            if step.deadline is not None
        )


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """One line of the step log."""

    entry: str
    step: str
    direction: str
    attempt: int
