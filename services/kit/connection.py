"""Connections to PostgreSQL as every service wants them, and the errors that are nobody's fault.

Errors: psycopg's own. One of `AWAY` (the connection is lost, a deadlock, a transaction that took
too long) says nothing about what was to be written: do it again.
"""

from __future__ import annotations

import time
from typing import Any, Final

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.types.string import TextLoader

AWAY = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.errors.TransactionTimeout,
    psycopg.errors.IdleInTransactionSessionTimeout,
)
Connection = psycopg.Connection[tuple[Any, ...]]

TRANSACTION_SECONDS = 10
KNOWS_TRANSACTION_TIMEOUT = 170_000
# A server whose machine or pod is gone says no farewell; without these one waits for it for a
# quarter of an hour. In seconds, the last one in milliseconds.
SILENCE: Final = {
    "connect_timeout": 3,
    "keepalives_idle": 3,
    "keepalives_interval": 1,
    "keepalives_count": 3,
    "tcp_user_timeout": 5_000,
}


class TimedConnection(Connection):
    """Every wait of psycopg's goes through `wait`; `waited` is their sum in seconds."""

    waited = 0.0

    def wait(self, *arguments: Any, **more: Any) -> Any:
        began = time.perf_counter()
        try:
            return super().wait(*arguments, **more)
        finally:
            self.waited += time.perf_counter() - began


def impatient(url: str) -> str:
    """What the URL says itself stands."""
    return make_conninfo("", **{**SILENCE, **conninfo_to_dict(url)})


def connect(url: str, schema: str, name: str) -> TimedConnection:
    """A connection whose tables are the service's own; ids come as text, JSON as bytes."""
    connection = TimedConnection.connect(
        impatient(url), autocommit=True, application_name=name, options=f"-c search_path={schema}"
    )
    limit(connection)
    return connection


def limit(connection: Connection) -> None:
    """Whoever freezes in a transaction loses it, so that nobody waits for its locks for good. The
    server minds it; one older than 17 cannot while a pipeline is open."""
    knows = connection.info.server_version >= KNOWS_TRANSACTION_TIMEOUT
    name = "transaction_timeout" if knows else "idle_in_transaction_session_timeout"
    connection.execute("SELECT set_config(%s, %s, false)", (name, f"{TRANSACTION_SECONDS}s"))
    configure(connection)


def configure(connection: Connection) -> None:
    connection.adapters.register_loader("uuid", TextLoader)
    connection.adapters.register_loader("jsonb", TextLoader)
