"""What one batch comes to, as data: decided by a core, written and published by `Batch`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from services.kit.message import Message, Mode
from services.kit.session import Parked
from services.policy.bench import Bench


@dataclass(frozen=True)
class Handled:
    """A message that was acted upon, under the name of what was done; `result` is the event that
    this came to, `rejected` if that is a refusal. Till `held_until` it waited for no reader."""

    message: Message
    step: str
    backward: bool = False
    result: str = ""
    reason: str | None = None
    rejected: bool = False
    held_until: float = 0.0


@dataclass(frozen=True)
class Outgoing:
    """A message and the one that caused it, whose trace it continues."""

    message: Message
    cause: Message


@dataclass(frozen=True)
class Closed:
    """A saga that is over, with what its metrics and its root span need; `held_seconds` are those
    in which a rule held it, and `closed_by` is the receipt of the message that closed it."""

    saga_id: str
    mode: Mode
    epoch: int
    outcome: str
    reason: str | None
    traceparent: str | None
    parent_span: str | None
    started_at: float
    ended_at: float
    closed_at: float
    held_seconds: float = 0.0
    closed_by: str = ""


@dataclass
class Effects:
    """For the outbox, for the parking, and for the counters; `remembered` came to nothing yet, as
    the first half of a join, `timed_out` are steps, and `projected` what an onlooker took note of.
    """

    outgoing: list[Outgoing] = field(default_factory=list)
    parked: list[Parked] = field(default_factory=list)
    handled: list[Handled] = field(default_factory=list)
    remembered: list[Message] = field(default_factory=list)
    faults: list[tuple[Mode, str]] = field(default_factory=list)
    closed: list[Closed] = field(default_factory=list)
    timed_out: list[str] = field(default_factory=list)
    projected: list[Message] = field(default_factory=list)
    decided: list[Bench] = field(default_factory=list)

    def remember(self, messages: Iterable[Message]) -> None:
        """Those that were neither acted upon nor put off: kept for later, or the same effect as
        another one's."""
        dealt_with = {done.message.receipt for done in self.handled}
        dealt_with |= {parked.message.receipt for parked in self.parked}
        self.remembered += [each for each in messages if each.receipt not in dealt_with]

    @property
    def heard(self) -> list[Handled]:
        """All that has a span and is counted, in both modes alike."""
        return [*self.handled, *(Handled(message, message.type) for message in self.remembered)]
