"""Fills the database with finished sagas by copying those that a load has just left behind.

Every row that a saga leaves, in the tables of every service, is copied with another id and an
earlier time, so that the copies are as large, as many and as varied as real ones.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import psycopg

from lab.database import query

TEMPLATES = 1_000
WORKERS = 3
COPY_SAGAS = query(__file__, "copies")
COLUMNS = query(__file__, "columns")

# The column that names the saga; the largest tables first.
TABLES = {
    "orders.timeline": "order_id",
    "orchestrator.inbox": "message_id",
    "orders.inbox": "message_id",
    "orchestrator.saga_log": "order_id",
    "orders.orders": "id",
    "orchestrator.sagas": "order_id",
    "shipping.facts": "saga_id",
    "shipping.inbox": "message_id",
    "inventory.inbox": "message_id",
    "payment.inbox": "message_id",
    "orders.facts": "saga_id",
    "notification.inbox": "message_id",
    "notification.notifications": "order_id",
    "inventory.moves": "order_id",
    "payment.ledger": "order_id",
    "inventory.reservations": "order_id",
    "payment.payments": "order_id",
    "shipping.shipments": "order_id",
    "shipping.bookings": "order_id",
    "notification.told": "order_id",
    "orders.holds": "order_id",
}

Tell = Callable[[str], None]


def fill(url: str, sagas: int, tell: Tell) -> int:
    """Copies until there are `sagas` more; returns how many rows that took."""
    with psycopg.connect(url, autocommit=True, cursor_factory=psycopg.ClientCursor) as connection:
        connection.execute(COPY_SAGAS, {"sagas": sagas, "templates": TEMPLATES})
        _checkpoint_seldom(connection, "'8GB'")
        statements = [_insert(connection, table, key) for table, key in TABLES.items()]
    with ThreadPoolExecutor(WORKERS) as pool:
        copied = sum(pool.map(partial(_copy, url, tell), statements))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA history CASCADE")
        _checkpoint_seldom(connection, "DEFAULT")
        connection.execute("CHECKPOINT")
    return copied


def _checkpoint_seldom(connection: psycopg.Connection[Any], size: str) -> None:
    """While it fills; what is measured afterwards is measured as everything else."""
    connection.execute(f"ALTER SYSTEM SET max_wal_size = {size}".encode())
    connection.execute("SELECT pg_reload_conf()")


def _insert(connection: psycopg.Connection[Any], table: str, key: str) -> tuple[str, str]:
    schema, name = table.split(".")
    found = connection.execute(COLUMNS, {"schema": schema, "table": name}).fetchall()
    return table, insert(table, key, dict(found))


def insert(table: str, key: str, columns: dict[str, str]) -> str:
    """`columns` are names and types, without those that the database numbers itself."""
    values = ", ".join(_value(column, kind, key) for column, kind in columns.items())
    saga = "left(message_id, 36)" if key == "message_id" else f"{key}::text"
    return f"""
WITH template AS MATERIALIZED (
    SELECT {saga} AS saga, * FROM {table}
    WHERE {saga} IN (SELECT old FROM history.templates)
)
INSERT INTO {table} ({", ".join(columns)})
SELECT {values}
FROM history.copies JOIN template ON template.saga = copies.old
"""  # noqa: S608 - names that are written down here


def _value(column: str, kind: str, key: str) -> str:
    if column == "message_id":
        return "new || substr(message_id, 37)"
    if column == key:
        return "new::uuid"
    if column == "idempotency_key":
        return "new"
    if kind == "timestamp with time zone":
        return f"{column} - age"
    return column


def _copy(url: str, tell: Tell, table_and_statement: tuple[str, str]) -> int:
    table, statement = table_and_statement
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET synchronous_commit = off")
        rows = connection.execute(statement.encode()).rowcount
        connection.execute(f"VACUUM (ANALYZE, INDEX_CLEANUP off) {table}".encode())
    tell(f"  {table}: {rows:,} rows")
    return rows
