"""Sagas in PostgreSQL, a batch at a time. Rows are locked in the order of their ids."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec

from services.kit.message import Message, SagaId
from services.orchestrator.state import Entry, Path, SagaState

STUCK_ATTEMPTS = 5

_LOAD = """
SELECT order_id, version, state, placed
FROM sagas WHERE order_id = ANY(%s::uuid[])
ORDER BY order_id FOR UPDATE
"""

# The row lock is the lease and the commit is the fence: a claimer that stalls holds its rows until
# its connection ends, and then it can no longer commit.
_CLAIM = """
SELECT order_id, version, state, placed
FROM sagas WHERE deadline_at <= now()
ORDER BY deadline_at
LIMIT %s
FOR UPDATE SKIP LOCKED
"""

_NOW = "SELECT extract(epoch FROM clock_timestamp())::float8"

_INSERT = """
INSERT INTO sagas (order_id, version, status, outcome, reason, epoch, state, placed, deadline_at)
SELECT order_id, version, status, outcome, reason, epoch, state, placed, to_timestamp(deadline)
FROM unnest(%s::uuid[], %s::integer[], %s::text[], %s::text[], %s::text[], %s::integer[],
    %s::jsonb[], %s::bytea[], %s::float8[])
    AS new (order_id, version, status, outcome, reason, epoch, state, placed, deadline)
"""

_UPDATE = """
UPDATE sagas
SET status = new.status,
    outcome = new.outcome,
    reason = new.reason,
    state = new.state,
    deadline_at = CASE
        WHEN new.deadline IS NULL THEN NULL
        WHEN %s THEN to_timestamp(new.deadline)
        ELSE least(sagas.deadline_at, to_timestamp(new.deadline))
    END,
    ended_at = CASE WHEN new.status = 'ended' THEN coalesce(sagas.ended_at, clock_timestamp()) END
FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::text[], %s::jsonb[], %s::float8[])
    AS new (order_id, status, outcome, reason, state, deadline)
WHERE sagas.order_id = new.order_id
"""

_LOG = """
INSERT INTO saga_log (order_id, turn, heard, entries)
SELECT * FROM unnest(%s::uuid[], %s::integer[], %s::text[], %s::jsonb[])
"""

_encode = msgspec.json.Encoder().encode
_decode_state = msgspec.json.Decoder(SagaState).decode
_encode_placed = msgspec.msgpack.Encoder().encode
_decode_placed = msgspec.msgpack.Decoder(Message).decode


@dataclass(frozen=True)
class LogLine:
    order_id: SagaId
    turn: int
    heard: str
    entries: tuple[Entry, ...]


@dataclass
class Stored:
    """One saga: its definition's version, its state, and the message that started it."""

    version: int
    state: SagaState
    placed: Message
    is_new: bool = False


@dataclass
class Sagas:
    """The sagas that a batch is about, at the database's time `now` (seconds)."""

    now: float
    sagas: dict[SagaId, Stored] = field(default_factory=dict)
    changed: dict[SagaId, None] = field(default_factory=dict)
    log: list[LogLine] = field(default_factory=list)


class SagaRepository(Protocol):
    def load(self, connection: Any, ids: Iterable[SagaId]) -> Sagas: ...

    def claim(self, connection: Any, limit: int) -> Sagas: ...

    def save(self, connection: Any, sagas: Sagas, exact_deadlines: bool = False) -> None: ...


def status_of(state: SagaState) -> str:
    if state.path is Path.ENDED:
        return "ended"
    if state.is_stuck(STUCK_ATTEMPTS):
        return "stuck"
    return "running" if state.path is Path.FORWARD else "compensating"


class PostgresSagas:
    def load(self, connection: Any, ids: Iterable[SagaId]) -> Sagas:
        return self._read(connection, connection.execute(_LOAD, (sorted(set(ids)),)))

    def claim(self, connection: Any, limit: int) -> Sagas:
        return self._read(connection, connection.execute(_CLAIM, (limit,)))

    def save(self, connection: Any, sagas: Sagas, exact_deadlines: bool = False) -> None:
        changed = [(order, sagas.sagas[order]) for order in sorted(sagas.changed)]
        new = [(order, stored) for order, stored in changed if stored.is_new]
        old = [(order, stored) for order, stored in changed if not stored.is_new]
        if new:
            self._insert(connection, new)
        if old:
            self._update(connection, old, exact_deadlines)
        if sagas.log:
            connection.execute(
                _LOG,
                (
                    [line.order_id for line in sagas.log],
                    [line.turn for line in sagas.log],
                    [line.heard for line in sagas.log],
                    [_encode(line.entries).decode() for line in sagas.log],
                ),
            )

    def _read(self, connection: Any, rows: Iterable[Any]) -> Sagas:
        found = {
            SagaId(order): Stored(version, _decode_state(state), _decode_placed(placed))
            for order, version, state, placed in rows
        }
        return Sagas(connection.execute(_NOW).fetchone()[0], found)

    def _insert(self, connection: Any, new: Sequence[tuple[SagaId, Stored]]) -> None:
        connection.execute(
            _INSERT,
            (
                [order for order, _ in new],
                [stored.version for _, stored in new],
                [status_of(stored.state) for _, stored in new],
                [stored.state.outcome for _, stored in new],
                [stored.state.reason for _, stored in new],
                [stored.placed.epoch for _, stored in new],
                [_encode(stored.state).decode() for _, stored in new],
                [_encode_placed(stored.placed) for _, stored in new],
                [stored.state.deadline for _, stored in new],
            ),
        )

    def _update(self, connection: Any, old: Sequence[tuple[SagaId, Stored]], exact: bool) -> None:
        connection.execute(
            _UPDATE,
            (
                exact,
                [order for order, _ in old],
                [status_of(stored.state) for _, stored in old],
                [stored.state.outcome for _, stored in old],
                [stored.state.reason for _, stored in old],
                [_encode(stored.state).decode() for _, stored in old],
                [stored.state.deadline for _, stored in old],
            ),
        )
