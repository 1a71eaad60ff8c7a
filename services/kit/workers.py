"""How a service's workers are put together: the busy one with its duties, and the listeners."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from services.kit import fault_store, retention
from services.kit.backlog import Backlog
from services.kit.batch import BatchProcessor, Core
from services.kit.broker import POLL_RECORDS, leave_group, make_consumer
from services.kit.crash_points import die
from services.kit.faults import Faults
from services.kit.metrics import Metrics
from services.kit.pool import Pool
from services.kit.postgres import PostgresDatabase
from services.kit.relay import Relay
from services.kit.service import Listener, Parts, Service
from services.kit.settings import Settings
from services.kit.tracing import Tracing
from services.kit.worker import Duty, Worker
from services.messages import KINDS

SWEEP_SECONDS = 1.0
BEHIND_SECONDS = 0.1
OBSERVE_SECONDS = 1.0
KNOWN = frozenset(kind.__name__ for kind in KINDS)


@dataclass(frozen=True)
class Workers:
    """Makes them of what a process shares; `database` opens a named connection."""

    service: Service
    settings: Settings
    metrics: Metrics
    tracing: Tracing
    faults: Faults
    backlog: Backlog
    relay: Relay
    pool: Pool
    database: Callable[[str], PostgresDatabase]

    def make(self, parts: Parts) -> Worker:
        database = self.database("worker")
        resume = Duty(lambda: _resume(database, processor))
        processor = self._processor(parts.core, database, resume.hurry)
        kept = (*retention.of_every_service(self.settings), *parts.retentions)
        duties = [
            Duty(lambda: self._sweep(database)),
            Duty(lambda: self._observe(database)),
            resume,
            *parts.duties(database),
            *retention.pruning(kept, database, self.metrics),
        ]
        return Worker(
            parts.core,
            processor,
            lambda: make_consumer(self.settings, self.service.name, patient=parts.patient),
            parts.topics,
            duties,
            self.metrics,
            KNOWN,
            lambda: leave_group(self.settings, self.service.name),
            self.faults.crash_points,
        )

    def make_listener(self, listener: Listener) -> Worker:
        processor = self._processor(listener.core, self.database(listener.group), _no_parking)
        return Worker(
            listener.core,
            processor,
            lambda: make_consumer(self.settings, listener.group, patient=True),
            listener.topics,
            (),
            self.metrics,
            KNOWN,
            lambda: leave_group(self.settings, listener.group),
            self.faults.crash_points,
        )

    def _processor(
        self, core: Core, database: PostgresDatabase, parked: Callable[[float], None]
    ) -> BatchProcessor:
        return BatchProcessor(core, database, self.relay, self.metrics, self.tracing, die, parked)

    def _sweep(self, database: PostgresDatabase) -> float:
        self.relay.sweep(database)
        return BEHIND_SECONDS if self.relay.behind else SWEEP_SECONDS

    def _observe(self, database: PostgresDatabase) -> float:
        fault_store.refresh(self.faults, database.connection())
        unsent, parked = database.waiting()
        self.backlog.count(unsent)
        self.metrics.outbox_pending.set(unsent)
        self.metrics.parked.set(parked)
        self._observe_pool()
        return OBSERVE_SECONDS

    def _observe_pool(self) -> None:
        stats = self.pool.get_stats()
        idle = stats.get("pool_available", 0)
        self.metrics.pool_connections.labels("idle").set(idle)
        self.metrics.pool_connections.labels("busy").set(stats.get("pool_size", 0) - idle)
        self.metrics.pool_waiting.set(stats.get("requests_waiting", 0))


def _resume(database: PostgresDatabase, processor: BatchProcessor) -> float:
    due = database.due(POLL_RECORDS)
    if due:
        processor.resume(due)
    return database.seconds_to_next_due(SWEEP_SECONDS)


def _no_parking(_seconds: float) -> None:
    """A listener decides nothing, so it has nothing to try again."""
