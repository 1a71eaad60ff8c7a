"""Whether a service can do its job for those who call it, and what of its surroundings answers.

Callers need its database. The broker they do not: what they order waits in the outbox, up to its
bound, and what they look up is in the database. So while it is away that is told, and nobody is
sent away; a service that all replicas left at once would help no caller. But a process that never
reached it may be one that cannot, with a wrong address or password, and a rollout has to stop at
such a one: it is not ready before it has joined its consumer groups once.

A process is alive as long as its workers give signs of life, which they do while they wait for
database or broker: to start it again would bring neither back.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import psycopg

from services.kit.pool import Pool
from services.kit.worker import Worker

STALLED_SECONDS = 30.0
HUNG_SECONDS = 600.0
OK = "ok"
AWAY = "does not answer"
NOT_YET = "does not answer yet"


class Standing(NamedTuple):
    ready: bool
    answers: dict[str, str]


class Readiness:
    """There are no workers until database and broker have answered for the first time."""

    def __init__(
        self, migrated: Callable[[], bool], pool: Pool, broker_answers: Callable[[], bool]
    ) -> None:
        self.workers: Sequence[Worker] = ()
        self._migrated = migrated
        self._pool = pool
        self._broker_answers = broker_answers

    def __call__(self) -> Standing:
        database = self._database()
        trouble = broker_trouble(self.workers)
        broker = trouble or (OK if self._broker_answers() else AWAY)
        return Standing(database == OK and not trouble, {"database": database, "broker": broker})

    @property
    def hung(self) -> bool:
        now = time.monotonic()
        return any(now - worker.last_sign > HUNG_SECONDS for worker in self.workers)

    def _database(self) -> str:
        if not self._migrated():
            return NOT_YET
        try:
            with self._pool.connection(timeout=1.0) as connection:
                connection.execute("SELECT 1")
        except (psycopg.Error, TimeoutError):
            return AWAY
        return OK


def broker_trouble(workers: Sequence[Worker]) -> str | None:
    """What no caller should have to live with."""
    if not workers:
        return NOT_YET
    return next(filter(None, map(_trouble, workers)), None)


def _trouble(worker: Worker) -> str | None:
    if worker.failure is not None:
        return f"the worker ended: {worker.failure}"
    if not worker.joined:
        return "not in the consumer group yet"
    if time.monotonic() - worker.last_poll > STALLED_SECONDS:
        return "the worker is stalled"
    return None
