"""What the services answer about one order."""

from datetime import datetime

import msgspec

from services.kit.message import Mode


class Fact(msgspec.Struct, frozen=True):
    """An event about the order, as the order service heard it."""

    type: str
    source: str
    at: datetime
    attempt: int = 1


class OpenHold(msgspec.Struct, frozen=True):
    """A rule holds a step, until somebody answers."""

    rule: str
    step: str


class OrderView(msgspec.Struct, frozen=True):
    id: str
    status: str
    reason: str | None
    mode: Mode
    epoch: int
    placed_at: datetime
    ended_at: datetime | None
    closed_at: datetime | None
    cancel_requested_at: datetime | None
    timeline: list[Fact]
    trace_id: str | None = None
    holds: list[OpenHold] = []


class LogEntry(msgspec.Struct, frozen=True):
    """What the orchestrator decided in a turn, and what it had heard that made it so."""

    seq: int
    at: datetime
    heard: str
    entry: str
    step: str
    direction: str
    attempt: int


class StepView(msgspec.Struct, frozen=True):
    status: str
    attempt: int
    deadline: float | None = None


class SagaView(msgspec.Struct, frozen=True):
    status: str
    outcome: str | None
    reason: str | None
    steps: dict[str, StepView]
    log: list[LogEntry]
    deadline: datetime | None


class TrackedView(msgspec.Struct, frozen=True):
    """What the saga-tracker has concluded."""

    status: str
    awaits: list[str]


class State(msgspec.Struct, frozen=True):
    """What a participant has come to for this order."""

    status: str
    reason: str | None = None


class Notification(msgspec.Struct, frozen=True):
    kind: str


class Notifications(msgspec.Struct, frozen=True):
    notifications: list[Notification]
