"""Databases of their own for tests, on the one server."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

import services
from services.kit.connection import AWAY
from services.kit.migrate import migrate
from services.kit.postgres import PostgresDatabase
from tests.integration.waiting import eventually
from tests.integration.world import SCHEMAS


@contextmanager
def a_database(server_url: str) -> Iterator[str]:
    """An empty database, dropped afterwards whoever is still connected."""
    name = sql.Identifier(label := f"test_{uuid4().hex}")
    eventually(lambda: _did(server_url, sql.SQL("CREATE DATABASE {}").format(name)), "a database")
    try:
        yield _with_database(server_url, label)
    finally:
        drop = sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name)
        eventually(lambda: _did(server_url, drop), "the database is dropped")


def with_schema(url: str, service: str) -> str:
    """Make a service's tables, and return their schema's name."""
    schema = SCHEMAS[service]
    migrate(url, schema, Path(services.__file__).parent / service / "schema.sql").close()
    return schema


def rows(url: str, query: str, *values: object) -> list[tuple]:
    """What a query finds, also just after the server was restarted."""
    return eventually(lambda: _fetched(url, query, values), query)[0]


def value(url: str, query: str, *values: object):
    return rows(url, query, *values)[0][0]


def is_blocked(database: PostgresDatabase) -> bool:
    """Whether somebody waits for a lock that the transaction in `database` holds."""
    waiting = "SELECT count(*) FROM pg_locks WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid))"
    row = database.connection().execute(waiting).fetchone()
    return row is not None and row[0] > 0


def waiting(url: str, role: str) -> int:
    """How many connections of this role (`api`, `worker`, ...) wait for a lock."""
    query = """
        SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'
          AND split_part(application_name, ' ', 2) = %s
    """
    return value(url, query, role)


@contextmanager
def held(url: str, statement: str, *values: object) -> Iterator[psycopg.Connection]:
    """What a statement locks stays locked until the block ends, or the connection rolls back."""
    with psycopg.connect(url) as connection:
        connection.execute(statement, values)
        yield connection
        connection.rollback()


def _fetched(url: str, query: str, values: tuple[object, ...]) -> list[list[tuple]]:
    """The rows, or nothing while the server is away."""
    with suppress(AWAY), psycopg.connect(url, autocommit=True) as connection:
        return [connection.execute(query, values).fetchall()]
    return []


def _did(url: str, statement: sql.Composed) -> bool:
    with suppress(AWAY), psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)
        return True
    return False


def _with_database(url: str, name: str) -> str:
    parts = {**conninfo_to_dict(url), "dbname": name}
    return "postgresql://{user}:{password}@{host}:{port}/{dbname}".format(**parts)
