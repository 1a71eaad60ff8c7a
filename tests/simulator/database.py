"""The session port in memory: what a transaction writes is applied at its commit, or never.

A `Store` is a service's schema and survives crashes; a `MemoryDatabase` is one process's view of
it. Transactions are atomic and run one at a time, so the interesting moments are their edges:
`Moments` are called there and may raise, or let others run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import psycopg

from services.kit.message import Message, SagaId
from services.kit.session import Arrival, Fact, Facts, Merged, OutboxRow, Parked
from services.kit.wire import Record
from services.policy.rulebook import EMPTY, Rulebook
from services.policy.ruling import Minute, Spent


class Clock:
    """Seconds since the simulation began."""

    def __init__(self) -> None:
        self.now = 0.0
        self._moments = 0

    def moment(self) -> float:
        """Now, and after every moment that was asked for before."""
        self._moments += 1
        return self.now + self._moments * 1e-7


@dataclass(frozen=True)
class Waiting:
    message: Message
    tries: int
    due_at: float
    why: str


@dataclass
class Store:
    """One service's schema; `own` are the tables of the service itself."""

    clock: Clock
    own: Any
    inbox: dict[str, Arrival] = field(default_factory=dict)
    outbox: dict[int, tuple[Record, float]] = field(default_factory=dict)
    parked: dict[str, Waiting] = field(default_factory=dict)
    facts: dict[SagaId, dict[str, Fact]] = field(default_factory=dict)
    spent: dict[tuple[str, SagaId], tuple[Spent, float]] = field(default_factory=dict)
    rules: Rulebook = EMPTY
    decisions: list[Minute] = field(default_factory=list)
    told: dict[str, float] = field(default_factory=dict)
    last_id: int = 0

    def due(self, limit: int) -> list[tuple[Message, int]]:
        now = self.clock.now
        due = sorted((w for w in self.parked.values() if w.due_at <= now), key=_due_at)
        return [(waiting.message, waiting.tries) for waiting in due[:limit]]

    def next_due(self) -> float | None:
        return min((waiting.due_at for waiting in self.parked.values()), default=None)


def _due_at(waiting: Waiting) -> float:
    return waiting.due_at


class MemorySession:
    """One transaction; it sees what was committed, and what it received and sent itself."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._writes: list[Callable[[], object]] = []
        self._received: set[str] = set()
        self._merged: dict[SagaId, dict[str, Fact]] = {}
        self.sent: list[OutboxRow] = []

    @property
    def connection(self) -> MemorySession:
        return self

    @property
    def own(self) -> Any:
        return self.store.own

    @property
    def now(self) -> float:
        return self.store.clock.now

    def later(self, write: Callable[[], object]) -> None:
        """Do it at the commit."""
        self._writes.append(write)

    def commit(self) -> None:
        for write in self._writes:
            write()

    def receive(self, arrivals: Sequence[Arrival]) -> set[str]:
        fresh = {a.message_id: a for a in arrivals if a.message_id not in self.store.inbox}
        self.later(lambda: self.store.inbox.update(fresh))
        return set(fresh)

    def unpark(self, ids: Sequence[str]) -> set[str]:
        found = {each for each in ids if each in self.store.parked}
        self.later(lambda: [self.store.parked.pop(each, None) for each in found])
        return found

    def park(self, parked: Sequence[Parked]) -> None:
        waiting = {
            p.message.id: Waiting(p.message, p.tries, self.now + p.wait_seconds, p.why)
            for p in parked
        }
        self.later(lambda: self.store.parked.update(waiting))

    def facts(self, sagas: Sequence[SagaId]) -> Facts:
        return {saga: self.store.facts[saga] for saga in sagas if saga in self.store.facts}

    def merge_facts(self, heard: Facts) -> Merged:
        known = {**self.store.facts, **self._merged}
        before = {saga: known[saga] for saga in heard if saga in known}
        merged = {saga: {**before.get(saga, {}), **facts} for saga, facts in heard.items()}
        self._merged.update(merged)
        self.later(lambda: self.store.facts.update(merged))
        return Merged(before, merged)

    def send(self, records: Sequence[Record]) -> None:
        first = self.store.last_id + 1
        self.store.last_id += len(records)
        rows = [OutboxRow(first + index, record) for index, record in enumerate(records)]
        created_at, moment = self.now, self.store.clock.moment()
        self.later(
            lambda: [self.store.told.setdefault(row.record.message_id, moment) for row in rows]
        )
        self.later(
            lambda: self.store.outbox.update({row.id: (row.record, created_at) for row in rows})
        )
        self.sent.extend(rows)

    def unsent(self, sagas: Sequence[SagaId]) -> list[OutboxRow]:
        outbox = self.store.outbox
        return [
            OutboxRow(row, record) for row, (record, _) in outbox.items() if record.key in sagas
        ]


class Moments(Protocol):
    """What the world does at a process's critical moments."""

    def before_transaction(self) -> None: ...

    def before_commit(self) -> None: ...

    def after_commit(self) -> None: ...


class Calm:
    """Nothing ever happens."""

    def before_transaction(self) -> None: ...

    def before_commit(self) -> None: ...

    def after_commit(self) -> None: ...


class MemoryDatabase:
    """A process's connection: `Storage` for batches, `Sweepable` for the relay."""

    def __init__(
        self,
        store: Store,
        moments: Moments | None = None,
        session: Callable[[Store], MemorySession] = MemorySession,
    ) -> None:
        self.store = store
        self._moments = moments or Calm()
        self._session = session

    @contextmanager
    def transaction(self) -> Iterator[MemorySession]:
        self._moments.before_transaction()
        session = self._session(self.store)
        yield session
        self._moments.before_commit()
        session.commit()
        self._moments.after_commit()

    @property
    def waited(self) -> float:
        """Memory answers at once."""
        return 0.0

    def reader(self) -> MemorySession:
        return self._session(self.store)

    def sweep(self, older_than_seconds: float, limit: int) -> list[OutboxRow]:
        latest = self.store.clock.now - older_than_seconds
        settled = [
            OutboxRow(row, record)
            for row, (record, created_at) in sorted(self.store.outbox.items())
            if created_at <= latest
        ]
        return settled[:limit]

    def forget(self, ids: Sequence[int]) -> None:
        for row in ids:
            self.store.outbox.pop(row, None)


def away() -> psycopg.OperationalError:
    return psycopg.OperationalError("server closed the connection unexpectedly")


def faster() -> psycopg.errors.UniqueViolation:
    return psycopg.errors.UniqueViolation("a replica was faster")
