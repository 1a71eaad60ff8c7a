"""The saga-tracker, put together. Optional: nothing depends on it."""

from __future__ import annotations

from pathlib import Path

from services.kit.message import Mode
from services.kit.postgres import PostgresDatabase
from services.kit.retention import Retention
from services.kit.service import Deps, Parts, Service
from services.kit.topics import topics_in
from services.kit.worker import Duty
from services.messages import EVENTS, vocabulary
from services.saga_tracker.api import make_router
from services.saga_tracker.store import Watch
from services.saga_tracker.tracker import Tracker

TOPICS = topics_in([Mode.CHOREOGRAPHY], EVENTS)


def build(deps: Deps) -> Parts:
    patience = deps.settings.tracker_patience_seconds

    def duties(database: PostgresDatabase) -> list[Duty]:
        return [Duty(Watch(database, deps.metrics, patience).run)]

    seconds = deps.settings.saga_retention_seconds
    ended = Retention("sagas", "closed_at", seconds)
    lost = Retention("sagas", "progressed_at", seconds, only="closed_at IS NULL")
    router = make_router(deps.pool, patience)
    core = Tracker(vocabulary(), deps.faults)
    return Parts(core, router, TOPICS, duties, retentions=(ended, lost), patient=True)


SERVICE = Service(
    name="saga-tracker",
    schema="saga_tracker",
    sql=Path(__file__).with_name("schema.sql"),
    summary="Watches choreographed sagas: what was heard of each, and what has to come next.",
    build=build,
)
