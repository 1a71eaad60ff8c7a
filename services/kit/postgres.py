"""The session port on PostgreSQL; every statement works on a whole batch.

Errors: psycopg's own. Those in `connection.AWAY` mean try the batch again; any other means that
something in the batch cannot be stored.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from typing import Any

import msgspec
import psycopg

from services.kit import sql
from services.kit.connection import Connection, TimedConnection, connect
from services.kit.message import Message, Mode, SagaId
from services.kit.session import Arrival, Fact, Facts, Merged, OutboxRow, Parked
from services.kit.wire import Headers, Record

Cursor = psycopg.Cursor[tuple[Any, ...]]

_RECEIVE = """
INSERT INTO inbox (message_id, mode, epoch)
SELECT * FROM json_to_recordset(%s) AS arrival (message_id text, mode text, epoch integer)
ON CONFLICT DO NOTHING
RETURNING message_id
"""

_SEND = """
INSERT INTO outbox (topic, key, message_id, mode, headers, value, parent)
SELECT topic, key, message_id, mode, decode(headers, 'base64'), decode(value, 'base64'), parent
FROM ROWS FROM (
    json_to_recordset(%s) AS (
        topic text, key text, message_id text, mode text, headers text, value text, parent text)
) WITH ORDINALITY AS record (topic, key, message_id, mode, headers, value, parent, position)
ORDER BY position
RETURNING id
"""

_UNSENT = """
SELECT id, topic, key, message_id, mode, headers, value, parent
FROM outbox WHERE key = ANY(%s::text[]) ORDER BY id
"""

_SWEEP = """
SELECT id, topic, key, message_id, mode, headers, value, parent
FROM outbox
WHERE xid < pg_snapshot_xmin(pg_current_snapshot())
  AND created_at <= now() - make_interval(secs => %s)
ORDER BY id
LIMIT %s
"""

_PARK = """
INSERT INTO parked (message_id, message, tries, why, due_at)
SELECT message_id, decode(message, 'base64'), tries, why,
    clock_timestamp() + make_interval(secs => wait)
FROM json_to_recordset(%s)
    AS parking (message_id text, message text, tries integer, why text, wait float8)
ON CONFLICT (message_id) DO UPDATE
SET tries = EXCLUDED.tries, why = EXCLUDED.why, due_at = EXCLUDED.due_at
"""

_DUE = """
SELECT message, tries FROM parked WHERE due_at <= now() ORDER BY due_at LIMIT %s
"""

_WAITING = "SELECT (SELECT count(*) FROM outbox), (SELECT count(*) FROM parked)"

_NEXT_DUE = "SELECT extract(epoch FROM min(due_at) - clock_timestamp()) FROM parked"

# The subquery sees the row as it was before this statement.
_MERGE_FACTS = """
INSERT INTO facts (saga_id, heard)
SELECT * FROM json_to_recordset(%s) AS new (saga_id uuid, heard jsonb)
ON CONFLICT (saga_id) DO UPDATE SET heard = facts.heard || EXCLUDED.heard
RETURNING saga_id, heard, (
    SELECT known.heard FROM facts AS known WHERE known.saga_id = facts.saga_id
)
"""

_encode_headers = msgspec.msgpack.Encoder().encode
_decode_headers = msgspec.msgpack.Decoder(Headers).decode
_encode_message = msgspec.msgpack.Encoder().encode
_decode_message = msgspec.msgpack.Decoder(Message).decode
_decode_facts = msgspec.json.Decoder(dict[str, Fact]).decode


class PostgresSession:
    """One transaction on one connection.

    Writes that answer nothing are kept and go as one statement with the outbox: a round trip and
    a plan instead of four. What is read afterwards does not see them yet.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._later: list[tuple[str, tuple[Any, ...]]] = []
        self._records: list[Record] = []
        self._written: Cursor | None = None
        self._committed: Cursor | None = None
        self.sent: list[OutboxRow] = []

    @property
    def connection(self) -> PostgresSession:
        return self

    def execute(self, statement: str, values: Any = None) -> Cursor:
        return self._connection.execute(statement, values)

    def later(self, statement: str, *values: Any) -> None:
        """Write at the end of the transaction; the statement may have no WITH of its own."""
        self._later.append((statement, values))

    def receive(self, arrivals: Sequence[Arrival]) -> set[str]:
        batch = sql.rows(arrival._asdict() for arrival in sorted(arrivals))
        return {message_id for (message_id,) in self.execute(_RECEIVE, (batch,))}

    def unpark(self, ids: Sequence[str]) -> set[str]:
        rows = self.execute(
            "DELETE FROM parked WHERE message_id = ANY(%s::text[]) RETURNING message_id",
            (sql.ids(ids),),
        )
        return {message_id for (message_id,) in rows}

    def park(self, parked: Sequence[Parked]) -> None:
        batch = sql.rows(
            {
                "message_id": one.message.id,
                "message": _encode_message(one.message),
                "tries": one.tries,
                "why": one.why,
                "wait": one.wait_seconds,
            }
            for one in parked
        )
        self.later(_PARK, batch)

    def facts(self, sagas: Sequence[SagaId]) -> Facts:
        rows = self.execute(
            "SELECT saga_id, heard FROM facts WHERE saga_id = ANY(%s::uuid[])", (sql.ids(sagas),)
        )
        return {SagaId(saga): _decode_facts(heard) for saga, heard in rows}

    def merge_facts(self, heard: Facts) -> Merged:
        batch = sql.rows({"saga_id": saga, "heard": heard[saga]} for saga in sorted(heard))
        rows = self.execute(_MERGE_FACTS, (batch,)).fetchall()
        return Merged(
            {SagaId(saga): _decode_facts(known) for saga, _, known in rows if known is not None},
            {SagaId(saga): _decode_facts(found) for saga, found, _ in rows},
        )

    def send(self, records: Sequence[Record]) -> None:
        self._records.extend(records)

    def unsent(self, sagas: Sequence[SagaId]) -> list[OutboxRow]:
        return _rows(self.execute(_UNSENT, (sql.ids(sagas),)))

    def commit(self) -> None:
        """Ask for it; `settle` tells how it went."""
        if self._records:
            self.later(_SEND, sql.rows(map(_as_row, self._records)))
        if self._later:
            values = [value for _, each in self._later for value in each]
            statement = _as_one(tuple(statement for statement, _ in self._later))
            self._written = self.execute(statement, values)
        self._committed = self.execute("COMMIT")

    def settle(self) -> None:
        """A transaction that had failed unnoticed answers a COMMIT with ROLLBACK."""
        if self._committed is None or self._committed.statusmessage != "COMMIT":
            raise psycopg.OperationalError("the transaction was not committed")
        if self._records and self._written is not None:
            ids = [row_id for (row_id,) in self._written]
            self.sent = [OutboxRow(*row) for row in zip(ids, self._records, strict=True)]


@cache
def _as_one(statements: tuple[str, ...]) -> str:
    *first, last = statements
    parts = ", ".join(f"part_{number} AS ({each})" for number, each in enumerate(first))
    return f"WITH {parts} {last}" if first else last


def _as_row(record: Record) -> dict[str, Any]:
    return {
        "topic": record.topic,
        "key": record.key,
        "message_id": record.message_id,
        "mode": record.mode,
        "headers": _encode_headers(record.headers),
        "value": record.value,
        "parent": record.parent,
    }


@contextmanager
def transaction(connection: Connection) -> Iterator[PostgresSession]:
    """Commit on a normal exit, roll back on an exception. Statements that need no answer yet do
    not wait for one."""
    session = PostgresSession(connection)
    try:
        with connection.pipeline():
            connection.execute("BEGIN")
            yield session
            session.commit()
        session.settle()
    except BaseException:
        _roll_back(connection)
        raise


def _roll_back(connection: Connection) -> None:
    """A connection that is gone has rolled back by that."""
    with suppress(psycopg.OperationalError):
        connection.rollback()


class PostgresDatabase:
    """Transactions on one connection, which is made anew after it was lost; `took` hears of each
    one's seconds, those that failed included."""

    def __init__(
        self,
        url: str,
        schema: str,
        name: str,
        took: Callable[[float], None] = lambda _: None,
    ) -> None:
        self._url, self._schema, self._name, self._took = url, schema, name, took
        self._connection: TimedConnection | None = None

    @property
    def waited(self) -> float:
        """Seconds spent waiting for this connection's answers so far; it never decreases while
        the connection lasts."""
        return self._connection.waited if self._connection else 0.0

    def connection(self) -> Connection:
        if self._connection is None or self._connection.closed or self._connection.broken:
            self._connection = connect(self._url, self._schema, self._name)
        return self._connection

    @contextmanager
    def transaction(self) -> Iterator[PostgresSession]:
        began = time.perf_counter()
        try:
            with transaction(self.connection()) as session:
                yield session
        finally:
            self._took(time.perf_counter() - began)

    def reader(self) -> PostgresSession:
        """A session outside any transaction: each statement sees what is committed."""
        return PostgresSession(self.connection())

    def due(self, limit: int) -> list[tuple[Message, int]]:
        """Parked messages whose time has come; whoever unparks one first executes it."""
        rows = self.connection().execute(_DUE, (limit,))
        return [(_decode_message(message), tries) for message, tries in rows]

    def seconds_to_next_due(self, at_most: float) -> float:
        row = self.connection().execute(_NEXT_DUE).fetchone()
        seconds = None if row is None else row[0]
        return at_most if seconds is None else min(max(float(seconds), 0.0), at_most)

    def sweep(self, older_than_seconds: float, limit: int) -> list[OutboxRow]:
        return _rows(self.connection().execute(_SWEEP, (older_than_seconds, limit)))

    def forget(self, ids: Sequence[int]) -> None:
        batch = sql.ids(map(str, ids))
        self.connection().execute("DELETE FROM outbox WHERE id = ANY(%s::bigint[])", (batch,))

    def waiting(self) -> tuple[int, int]:
        """How many rows wait in the outbox, and how many messages for another try."""
        counts: Any = self.connection().execute(_WAITING).fetchone()
        unsent, parked = counts
        return unsent, parked

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()


def mode_of_parked(message: bytes) -> Mode:
    return _decode_message(message).mode


def _rows(cursor: Cursor) -> list[OutboxRow]:
    return [
        OutboxRow(row_id, Record(topic, key, message_id, mode, _decode_headers(headers), *rest))
        for row_id, topic, key, message_id, mode, headers, *rest in cursor
    ]
