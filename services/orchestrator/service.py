"""The orchestrator, put together."""

from __future__ import annotations

from pathlib import Path

from services.kit.message import Mode
from services.kit.postgres import PostgresDatabase
from services.kit.retention import Retention
from services.kit.service import Deps, Parts, Service
from services.kit.topics import topics_in
from services.kit.worker import Duty
from services.messages import vocabulary
from services.orchestrator.api import make_router
from services.orchestrator.engine import Orchestrator
from services.orchestrator.order_saga import ORDER
from services.orchestrator.store import PostgresSagas
from services.orchestrator.timers import Timers

TOPICS = topics_in([Mode.ORCHESTRATION], (vocabulary().kinds[kind] for kind in ORDER.events))


def build(deps: Deps) -> Parts:
    words = vocabulary()
    core = Orchestrator(
        {ORDER.version: ORDER},
        words,
        PostgresSagas(),
        deps.faults,
        deps.settings.step_timeout_seconds,
        point=deps.point,
    )

    def duties(database: PostgresDatabase) -> list[Duty]:
        timers = Timers(core, database, deps.relay, deps.tracing, deps.metrics)
        return [Duty(timers.run), Duty(timers.count_waiting)]

    log = Retention("saga_log", "at", deps.settings.saga_retention_seconds)
    return Parts(core, make_router(deps.pool), TOPICS, duties, retentions=(log,))


SERVICE = Service(
    name="orchestrator",
    schema="orchestrator",
    sql=Path(__file__).with_name("schema.sql"),
    summary="The conductor: decides every saga's next step and keeps its log.",
    build=build,
    enforces=True,
)
