"""Sagas in PostgreSQL, a batch at a time. Rows are locked in the order of their ids."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec

from services.kit import sql
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
SELECT order_id, version, status, outcome, reason, epoch, state, decode(placed, 'base64'),
    to_timestamp(deadline)
FROM json_to_recordset(%s) AS new (
    order_id uuid, version integer, status text, outcome text, reason text, epoch integer,
    state jsonb, placed text, deadline float8)
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
FROM json_to_recordset(%s) AS new (
    order_id uuid, status text, outcome text, reason text, state jsonb, deadline float8)
WHERE sagas.order_id = new.order_id
"""

_LOG = """
INSERT INTO saga_log (order_id, turn, heard, entries)
SELECT * FROM json_to_recordset(%s)
    AS new (order_id uuid, turn integer, heard text, entries jsonb)
"""

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
        now = connection.execute(_NOW)
        return self._read(now, connection.execute(_LOAD, (sql.ids(sorted(set(ids))),)))

    def claim(self, connection: Any, limit: int) -> Sagas:
        now = connection.execute(_NOW)
        return self._read(now, connection.execute(_CLAIM, (limit,)))

    def save(self, connection: Any, sagas: Sagas, exact_deadlines: bool = False) -> None:
        changed = [(order, sagas.sagas[order]) for order in sorted(sagas.changed)]
        new = [_new_row(order, stored) for order, stored in changed if stored.is_new]
        old = [_row(order, stored) for order, stored in changed if not stored.is_new]
        if new:
            connection.later(_INSERT, sql.rows(new))
        if old:
            connection.later(_UPDATE, exact_deadlines, sql.rows(old))
        if sagas.log:
            connection.later(_LOG, sql.rows(map(vars, sagas.log)))

    def _read(self, now: Any, rows: Iterable[Any]) -> Sagas:
        found = {
            SagaId(order): Stored(version, _decode_state(state), _decode_placed(placed))
            for order, version, state, placed in rows
        }
        return Sagas(now.fetchone()[0], found)


def _row(order: SagaId, stored: Stored) -> dict[str, Any]:
    state = stored.state
    return {
        "order_id": order,
        "status": status_of(state),
        "outcome": state.outcome,
        "reason": state.reason,
        "state": state,
        "deadline": state.deadline,
    }


def _new_row(order: SagaId, stored: Stored) -> dict[str, Any]:
    placed = stored.placed
    more = {"version": stored.version, "epoch": placed.epoch, "placed": _encode_placed(placed)}
    return {**_row(order, stored), **more}
