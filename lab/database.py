"""The stack's PostgreSQL as the lab sees it: it looks, counts its looks, and never writes."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import psycopg
from psycopg.rows import kwargs_row

from lab.errors import NotReadyError

Shape = TypeVar("Shape")

OPTIONS = "-c default_transaction_read_only=on -c application_name=bandstand-lab"
PATIENCE_SECONDS = 30.0
PAUSE_SECONDS = 0.2
CONNECT_SECONDS = 5


class Database:
    """One connection a thread, opened again when the server was restarted. A connection that is not
    answered within five seconds is given up for another: a tunnel's can be stuck for thirty, and
    whoever keeps the tunnel hears of it by `silent`.

    `looks` is the number of transactions that the lab itself caused, to be subtracted from what
    the server counted.
    """

    def __init__(
        self,
        url: str,
        patience: float = PATIENCE_SECONDS,
        silent: Callable[[], None] = lambda: None,
    ) -> None:
        self.looks = 0
        self._silent = silent
        self._url = url
        self._patience = patience
        self._local = threading.local()
        self._lock = threading.Lock()

    def rows(self, query: bytes, shape: type[Shape], **parameters: Any) -> list[Shape]:
        """Each row as a `shape`, whose fields are named like the query's columns."""
        deadline = time.monotonic() + self._patience
        while True:
            try:
                return self._rows(query, shape, parameters)
            except psycopg.OperationalError as error:
                self._local.connection = None
                if time.monotonic() > deadline:
                    raise NotReadyError(f"PostgreSQL does not answer: {error}") from error
                if isinstance(error, psycopg.errors.ConnectionTimeout):
                    self._silent()
                time.sleep(PAUSE_SECONDS)

    def row(self, query: bytes, shape: type[Shape], **parameters: Any) -> Shape:
        """The only row of a query that always has exactly one."""
        (row,) = self.rows(query, shape, **parameters)
        return row

    def close(self) -> None:
        """The calling thread's connection; those of threads that have ended close with them."""
        if connection := getattr(self._local, "connection", None):
            connection.close()
            self._local.connection = None

    def _rows(self, query: bytes, shape: type[Shape], parameters: dict[str, Any]) -> list[Shape]:
        connection = self._connection()
        with self._lock:
            self.looks += 1
        with connection.cursor(row_factory=kwargs_row(shape)) as cursor:
            return cursor.execute(query, parameters).fetchall()

    def _connection(self) -> psycopg.Connection[Any]:
        connection: psycopg.Connection[Any] | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = psycopg.connect(
                self._url, autocommit=True, options=OPTIONS, connect_timeout=CONNECT_SECONDS
            )
            self._local.connection = connection
        return connection


def query(module_file: str, name: str) -> bytes:
    """The text of `<name>.sql` next to the module that asks (`query(__file__, "outcome")`)."""
    return Path(module_file).with_name(f"{name}.sql").read_bytes()
