"""The words in which a saga is written down: steps in stages, with a pivot.

Before the pivot everything can be undone; after it only forward is allowed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from services.kit.message import Command, Event

FOREVER: Final = None


@dataclass(frozen=True)
class Undo:
    """How a step is undone, and the event that says so."""

    command: type[Command]
    undone: type[Event]


@dataclass(frozen=True)
class Step:
    """One command and the events that answer it.

    `retry` is how often it is sent before a silence is taken for a failure; `FOREVER` makes it a
    retriable step. A step is undone even when its answer is still missing: it may have happened.
    """

    command: type[Command]
    done: type[Event]
    refused: type[Event] | None = None
    undo: Undo | None = None
    retry: int | None = 2

    @property
    def name(self) -> str:
        return self.command.__name__


@dataclass(frozen=True)
class Stage:
    """Steps that are under way together; the next stage waits for all of them."""

    steps: tuple[Step, ...]
    pivot: bool = False


def Parallel(*steps: Step) -> Stage:  # noqa: N802
    """A fork and its join."""
    return Stage(steps)


def Pivot(step: Step) -> Stage:  # noqa: N802
    """The step after which there is no way back."""
    return Stage((step,), pivot=True)


@dataclass(frozen=True)
class Saga:
    """A definition; a running saga finishes on the `version` it began with.

    `rejection` follows once everything is undone, `closing` follows either end. `cancelled_by` is
    the event by which a customer asks for the way back, `approved_by` and `declined_by` are the
    answers to what a policy holds. `compose` builds a command of a kind from
    the order and the reason it failed for, if it did.
    """

    name: str
    version: int
    stages: tuple[Stage, ...]
    rejection: Step
    closing: Step
    started_by: type[Event]
    cancelled_by: type[Event]
    approved_by: type[Event]
    declined_by: type[Event]
    compose: Callable[[type[Command], Any, str | None], Command]

    @cached_property
    def pivot(self) -> int:
        return next(index for index, stage in enumerate(self.stages) if stage.pivot)

    @cached_property
    def forward(self) -> tuple[Stage, ...]:
        return (*self.stages, Stage((self.closing,)))

    @cached_property
    def rejecting(self) -> tuple[Stage, ...]:
        return (Stage((self.rejection,)), Stage((self.closing,)))

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        staged = (step for stage in self.stages for step in stage.steps)
        return (*staged, self.rejection, self.closing)

    @cached_property
    def events(self) -> frozenset[str]:
        """Every event that means something to this saga."""
        kinds = {self.started_by, self.cancelled_by, self.approved_by, self.declined_by}
        for step in self.steps:
            undone = step.undo.undone if step.undo else None
            kinds |= {kind for kind in (step.done, step.refused, undone) if kind is not None}
        return frozenset(kind.__name__ for kind in kinds)
