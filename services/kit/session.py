"""The port to one local transaction: inbox, outbox, joins and parked messages.

`PostgresSession` keeps it in the service's schema, the simulator in memory; both pass one
contract suite.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple, Protocol

import msgspec

from services.kit.message import Message, SagaId
from services.kit.wire import Record


class Fact(msgspec.Struct, frozen=True):
    """What a join remembers of an event."""

    value: str
    attempt: int


Facts = Mapping[SagaId, Mapping[str, Fact]]


class Merged(NamedTuple):
    """What was known before, which may lack what a replica adds at the same time, and what is."""

    before: Facts
    now: Facts


class Parked(msgspec.Struct, frozen=True):
    """A received message that waits for another try; `tries` counts those made so far."""

    message: Message
    tries: int
    wait_seconds: float
    why: str


class Arrival(NamedTuple):
    """What the inbox keeps: the proof that a message was handled, and under which mode."""

    message_id: str
    mode: str
    epoch: int


class OutboxRow(msgspec.Struct, frozen=True):
    """A record that is committed and not yet known to the broker."""

    id: int
    record: Record


class Session(Protocol):
    """Everything here commits or vanishes together with the service's own state."""

    @property
    def connection(self) -> Any:
        """What the service's repository works with."""

    def receive(self, arrivals: Sequence[Arrival]) -> set[str]:
        """Put arrivals into the inbox; the ids that were not there before are returned."""

    def unpark(self, ids: Sequence[str]) -> set[str]:
        """Take messages out of the parking; the ids that were still there are returned."""

    def park(self, parked: Sequence[Parked]) -> None:
        """Keep messages for a later try."""

    def facts(self, sagas: Sequence[SagaId]) -> Facts:
        """Facts remembered so far, without a lock: good for reading ahead only."""

    def merge_facts(self, heard: Facts) -> Merged:
        """Remember facts and return all there were and are of these sagas.

        A saga's facts are one locked row: of two replicas that hear the two halves of a join at
        the same time, the later one sees both.
        """

    def send(self, records: Sequence[Record]) -> None:
        """Write records to the outbox, in this order."""

    @property
    def sent(self) -> list[OutboxRow]:
        """What this transaction wrote to the outbox; known once it has committed."""

    def unsent(self, sagas: Sequence[SagaId]) -> list[OutboxRow]:
        """What earlier transactions wrote for these sagas and nobody has published yet."""


class Database(Protocol):
    """Where sessions come from."""

    def transaction(self) -> AbstractContextManager[Session]:
        """Commit on a normal exit, roll back on an exception."""

    @property
    def waited(self) -> float:
        """Seconds spent waiting for the database's answers so far."""
