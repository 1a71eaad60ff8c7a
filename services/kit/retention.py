"""For how long rows are kept that only guard against repetition, and how they go: a few at a time.

A row may go once nothing can be heard any more that it would have to recognise: what a topic has
forgotten cannot come again. The books stay for good (orders, journals, each service's settled
outcomes), so that even a message from before the window finds its outcome settled.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from services.kit.metrics import Metrics
from services.kit.postgres import PostgresDatabase
from services.kit.settings import Settings
from services.kit.worker import Duty

AT_ONCE = 1_000
EVERY_SECONDS = 30.0
MORE_SECONDS = 0.25

# The oldest first, by an index; it never waits for a row that somebody works with.
_PRUNE = """
DELETE FROM {table} WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM {table}
    WHERE {only} AND {since} < now() - make_interval(secs => %(seconds)s)
    ORDER BY {since}
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
))
"""


@dataclass(frozen=True)
class Retention:
    """A table's rows go when the time in `since` is so many seconds ago; or `only` some of them."""

    table: str
    since: str
    seconds: float
    only: str = "true"


def of_every_service(settings: Settings) -> tuple[Retention, ...]:
    return (
        Retention("inbox", "received_at", settings.inbox_retention_seconds),
        Retention("facts", "heard_at", settings.saga_retention_seconds),
    )


def pruning(
    retentions: Sequence[Retention], database: PostgresDatabase, metrics: Metrics
) -> Iterator[Duty]:
    """A duty for each, so that the worker is never held up for longer than one small batch."""
    for retention in retentions:
        yield Duty(Pruning(retention, database, metrics).run)


class Pruning:
    def __init__(self, retention: Retention, database: PostgresDatabase, metrics: Metrics) -> None:
        self._retention = retention
        self._statement = _PRUNE.format(**vars(retention))
        self._database = database
        self._metrics = metrics

    def run(self) -> float:
        """Comes again soon while there is more, else in half a minute."""
        gone = self.prune(AT_ONCE)
        return MORE_SECONDS if gone == AT_ONCE else EVERY_SECONDS

    def prune(self, limit: int) -> int:
        values = {"seconds": self._retention.seconds, "limit": limit}
        gone = self._database.connection().execute(self._statement, values).rowcount
        self._metrics.pruned.labels(self._retention.table).inc(gone)
        return gone
