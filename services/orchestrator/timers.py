"""Timeouts of sagas: the same claim loop at all times, so there is no recovery mode."""

from __future__ import annotations

from collections.abc import Iterable

from services.kit.effects import Outgoing
from services.kit.late import Late
from services.kit.message import Mode
from services.kit.metrics import Metrics
from services.kit.postgres import PostgresDatabase
from services.kit.relay import Publisher
from services.kit.tracing import Tracing
from services.orchestrator.engine import Orchestrator

EVERY_SECONDS = 0.5

MODE = Mode.ORCHESTRATION.value

_STUCK = "SELECT count(*) FROM sagas WHERE deadline_at IS NOT NULL AND status = 'stuck'"


# Ended sagas have no deadline, and the index on it knows those that have one.
_WAITING = """
SELECT step.key, count(*)
FROM sagas, jsonb_each(state -> 'steps') AS step
WHERE deadline_at IS NOT NULL AND step.value ->> 'deadline' IS NOT NULL
GROUP BY step.key
"""

_HELD = """
SELECT count(*) FROM sagas
WHERE deadline_at IS NOT NULL AND state ->> 'path' = 'forward'
  AND jsonb_path_exists(state, '$.holds.* ? (@.answer == "")')
"""
HOLD = "hold"


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
        for step in orchestrator.newest.steps:
            metrics.deadlines_passed.labels(MODE, step.name)

    def run(self) -> float:
        late, waited = Late(self._tracing), self._database.waited
        with self._database.transaction() as session:
            effects = self._orchestrator.execute_due(session)
            for sends in _by_saga(effects.outgoing):
                late.say([out.message for out in sends], sends[0].cause.traceparent)
            session.send(late.records)
            self._tracing.note(late.noted)
        waited = max(self._database.waited - waited, 0.0)
        self._publisher.publish(session.sent)
        for step in effects.timed_out:
            self._metrics.deadlines_passed.labels(MODE, step).inc()
        for bench in effects.decided:
            self._metrics.tell_decisions(bench)
        late.tell(waited)
        return EVERY_SECONDS

    def count_waiting(self) -> float:
        """What the open sagas wait for: one look for the whole orchestra."""
        connection = self._database.connection()
        waiting = dict.fromkeys((step.name for step in self._orchestrator.newest.steps), 0)
        waiting.update(dict(connection.execute(_WAITING).fetchall()))
        held = connection.execute(_HELD).fetchone()
        waiting[HOLD] = held[0] if held else 0
        for step, sagas in waiting.items():
            self._metrics.waiting_sagas.labels(MODE, step).set(sagas)
        row = connection.execute(_STUCK).fetchone()
        self._metrics.stuck_sagas.labels(MODE).set(row[0] if row else 0)
        return 1.0


def _by_saga(sends: Iterable[Outgoing]) -> Iterable[list[Outgoing]]:
    found: dict[str, list[Outgoing]] = {}
    for out in sends:
        found.setdefault(out.message.saga_id, []).append(out)
    return found.values()
