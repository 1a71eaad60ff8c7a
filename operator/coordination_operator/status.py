"""What is reported, and all that is remembered: the status is the only memory there is.

The route is never remembered, always asked for. What is here cannot be asked for: why a phase was
entered, when, and how the measurements of this step came out so far.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Self

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from coordination_operator.phases import Command, Phase
from coordination_operator.resources import Resource, Who

ALL = 100
LAST_SWITCHES = 5
MOST_UNANNOUNCED = 20

Moment = Annotated[datetime, Meta(tz=True)]


def _about(text: str) -> Meta:
    return Meta(description=text)


class Note(msgspec.Struct, frozen=True):
    """An event: for `kubectl describe`, the log and the metrics."""

    reason: str
    message: str
    warning: bool = False


class Verdict(StrEnum):
    PASS = "Pass"  # noqa: S105 - not a password
    FAIL = "Fail"
    NO_DATA = "NoData"
    ERROR = "Error"


class Measurement(Resource, frozen=True, kw_only=True):
    """The latest value of one metric, and how the step has fared by it so far."""

    name: str
    verdict: Annotated[Verdict, _about("Of the latest measurement.")]
    message: Annotated[str, _about("The measured values and the bounds, in words.")]
    at: Moment
    value: Annotated[str | None, _about("Of the target mode.")] = None
    stable: Annotated[str | None, _about("Of the stable mode, if they are compared.")] = None
    asked: Annotated[
        str, _about("What was asked and its bounds, as a digest; edited, it was not measured yet.")
    ] = ""
    passes: Annotated[int, _about("In this step.")] = 0
    failures: Annotated[int, _about("In this step.")] = 0
    dry_run: bool = False


class AnalysisStatus(Resource, frozen=True, kw_only=True):
    """The measurements of one step; another epoch of the route begins with none."""

    epoch: Annotated[int, _about("Of the route that was measured.")]
    at: Moment
    clear_since: Annotated[
        Moment | None,
        _about("No deadline of this step counts from before; put off while nobody could measure."),
    ] = None
    metrics: tuple[Measurement, ...] = ()


class Outcome(StrEnum):
    PROMOTED = "Promoted"
    ROLLED_BACK = "RolledBack"


class Switch(Resource, frozen=True, kw_only=True):
    """One of the last switches, or attempts at one."""

    source: Annotated[Who, _about("Who was active before.")] = msgspec.field(name="from")
    target: Annotated[Who, _about("Who was to be.")] = msgspec.field(name="to")
    started_at: Moment
    ended_at: Moment
    outcome: Outcome
    reason: str
    message: str = ""


class RolloutStatus(Resource, frozen=True, kw_only=True):
    """The switch under way, or the last one that was rolled back."""

    source: Who = msgspec.field(name="from")
    target: Who = msgspec.field(name="to")
    started_at: Moment
    restarted: Annotated[bool, _about("Asked for again, so no cooldown is waited for.")] = False
    reason: Annotated[str, _about("Why it is held or rolled back.")] = ""
    message: str = ""


class InFlight(Resource, frozen=True, kw_only=True):
    """Open sagas: admitted, and their customer not told yet."""

    orchestration: int
    choreography: int
    total: int


class Left(Resource, frozen=True, kw_only=True):
    """What one mode still has to do, over all services."""

    unsent: int
    parked: int
    unread: int

    @property
    def nothing(self) -> bool:
        return not (self.unsent or self.parked or self.unread)

    @property
    def text(self) -> str:
        named = {"unsent": self.unsent, "waiting": self.parked, "unread": self.unread}
        return ", ".join(f"{count} {word}" for word, count in named.items() if count)


class Backlog(Resource, frozen=True, kw_only=True):
    """Messages that are unsent, parked or unread."""

    orchestration: Left
    choreography: Left


class Condition(Resource, frozen=True, kw_only=True):
    """As all conditions of Kubernetes."""

    type: str
    status: str
    reason: str
    message: str
    last_transition_time: Moment
    observed_generation: int = 0


class Status(Resource, frozen=True, kw_only=True):
    """What every kind's status has."""

    observed_generation: Annotated[
        int, _about("The generation of the spec that this is about.")
    ] = 0
    unannounced: Annotated[
        tuple[Note, ...], _about("Events that are still to be written; kept until they are.")
    ] = ()
    conditions: tuple[Condition, ...] = ()

    def to_be_announced(self, notes: Iterable[Note]) -> Self:
        """Saved with what they are about, so that no end of an operator can come between."""
        new = tuple(note for note in notes if note not in self.unannounced)
        return replace(self, unannounced=(*self.unannounced, *new)[-MOST_UNANNOUNCED:])

    def condition(self, kind: str) -> Condition | None:
        return next((each for each in self.conditions if each.type == kind), None)


class CoordinationStatus(Status, frozen=True, kw_only=True):
    phase: Phase | None = None
    phase_since: Moment | None = None
    step_since: Annotated[
        Moment | None, _about("Since when the route has been as it is; later if a clock went back.")
    ] = None
    clear_since: Annotated[
        Moment | None,
        _about("No deadline counts from before; put off by what was frozen or out of sight."),
    ] = None
    blind_since: Annotated[
        Moment | None,
        _about("Since when the order service is out of sight, by the operator's clock."),
    ] = None
    active_mode: Annotated[
        Who | None, _about("The mode that is trusted; a rollback leads there.")
    ] = None
    target_mode: Annotated[Who | None, _about("The mode that is asked for.")] = None
    weight: Annotated[int | None, _about("Percent of new sagas that the target mode gets now.")] = (
        None
    )
    epoch: Annotated[int | None, _about("Of the route, as the order service has it.")] = None
    step: Annotated[str | None, _about("Such as 2/3.")] = None
    message: Annotated[str, _about("What is waited for, in words.")] = ""
    undone: Annotated[
        Note | None, _about("What was to be done and could not be; it is tried again.")
    ] = None
    in_flight: InFlight | None = None
    backlog: Backlog | None = None
    rollout: RolloutStatus | None = None
    analysis: AnalysisStatus | None = None
    orchestrator_replicas: Annotated[
        int | None, _about("How many the orchestrator's Deployment is to have.")
    ] = None
    actions: Annotated[
        tuple[Command, ...], _about("Annotations bandstand.dev/... that are valid now.")
    ] = ()
    switches: Annotated[tuple[Switch, ...], _about("The last five, the latest first.")] = ()

    def left_undone(self, what: Note) -> Self:
        """Announced when it begins; why it could not be done may change."""
        known = self.undone is not None and self.undone.reason == what.reason
        return replace(self, undone=what).to_be_announced(() if known else (what,))

    def weight_of(self, who: Who) -> int | None:
        """Of the route as it was last seen, whoever was asked for then."""
        if self.weight is None:
            return None
        return self.weight if self.target_mode is who else ALL - self.weight
