"""Whether a service can do its job for those who call it, and what of its surroundings answers.

Callers need its database. The broker they do not: what they order waits in the outbox, up to its
bound, and what they look up is in the database. So while it is away that is told, and nobody is
sent away; a service that all replicas left at once would help no caller. But a process that never
reached it may be one that cannot, with a wrong address or password, and a rollout has to stop at
such a one: it is not ready before it has joined its consumer group once.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

import psycopg

from services.kit.pool import Pool
from services.kit.worker import Worker

STALLED_SECONDS = 30.0
OK = "ok"
AWAY = "does not answer"
NOT_YET = "does not answer yet"


class Standing(NamedTuple):
    ready: bool
    answers: dict[str, str]


class Readiness:
    """`worker` is None until database and broker have answered for the first time."""

    def __init__(
        self, migrated: Callable[[], bool], pool: Pool, broker_answers: Callable[[], bool]
    ) -> None:
        self.worker: Worker | None = None
        self._migrated = migrated
        self._pool = pool
        self._broker_answers = broker_answers

    def __call__(self) -> Standing:
        database = self._database()
        trouble = broker_trouble(self.worker)
        broker = trouble or (OK if self._broker_answers() else AWAY)
        return Standing(database == OK and not trouble, {"database": database, "broker": broker})

    def _database(self) -> str:
        if not self._migrated():
            return NOT_YET
        try:
            with self._pool.connection(timeout=1.0) as connection:
                connection.execute("SELECT 1")
        except (psycopg.Error, TimeoutError):
            return AWAY
        return OK


def broker_trouble(worker: Worker | None) -> str | None:
    """What no caller should have to live with."""
    if worker is None:
        return NOT_YET
    if worker.failure is not None:
        return f"the worker ended: {worker.failure}"
    if not worker.joined:
        return "not in the consumer group yet"
    if time.monotonic() - worker.last_poll > STALLED_SECONDS:
        return "the worker is stalled"
    return None
