"""Timeouts of sagas: the same claim loop at all times, so there is no recovery mode."""

from __future__ import annotations

from services.kit.metrics import Metrics
from services.kit.postgres import PostgresDatabase
from services.kit.relay import Publisher
from services.kit.tracing import Tracing
from services.kit.wire import Record, to_record
from services.orchestrator.engine import Orchestrator

EVERY_SECONDS = 0.5

_STUCK = "SELECT count(*) FROM sagas WHERE deadline_at IS NOT NULL AND status = 'stuck'"


class Timers:
    """A duty: decide for sagas whose deadline passed, in one transaction with the outbox."""

    def __init__(
        self,
        orchestrator: Orchestrator,
        database: PostgresDatabase,
        publisher: Publisher,
        tracing: Tracing,
        metrics: Metrics,
    ) -> None:
        self._orchestrator = orchestrator
        self._database = database
        self._publisher = publisher
        self._tracing = tracing
        self._metrics = metrics

    def run(self) -> float:
        with self._database.transaction() as session:
            effects = self._orchestrator.execute_due(session)
            records: list[Record] = []
            for out in effects.outgoing:
                root = out.cause.traceparent
                context = self._tracing.sending(out.message.id, root)
                records.append(to_record(out.message.within(context), root))
            session.send(records)
        self._publisher.publish(session.sent)
        return EVERY_SECONDS

    def count_stuck(self) -> float:
        row = self._database.connection().execute(_STUCK).fetchone()
        self._metrics.stuck_sagas.labels("orchestration").set(row[0] if row else 0)
        return 1.0
