"""The order service, put together."""

from __future__ import annotations

from pathlib import Path

from services.kit.handling import Playbook
from services.kit.participant import Participant
from services.kit.postgres import PostgresDatabase
from services.kit.service import Deps, Parts, Service
from services.kit.topics import topics_of
from services.kit.worker import Duty
from services.messages import EVENTS, vocabulary
from services.order import handlers, reactions
from services.order.admission import AdmissionDesk
from services.order.api import make_router
from services.order.deadlines import Deadlines, count_open
from services.order.store import OrderRepository, hear

PLAYBOOK = Playbook.of(handlers, reactions)
OBSERVED = frozenset(event.__name__ for event in EVENTS if event.channel != "orders")


def build(deps: Deps) -> Parts:
    words, settings = vocabulary(), deps.settings
    core = Participant(
        "order",
        PLAYBOOK,
        words,
        OrderRepository(),
        deps.faults,
        observer=hear,
        observes=OBSERVED,
    )
    wait = settings.order_deadline_seconds
    desk = AdmissionDesk(deps.database("admission"), deps.relay, deps.tracing, deps.metrics, wait)

    def duties(database: PostgresDatabase) -> list[Duty]:
        deadlines = Deadlines(database, deps.relay, deps.tracing, wait)
        return [Duty(deadlines.run), Duty(lambda: count_open(database, deps.metrics))]

    return Parts(
        core,
        make_router(desk, deps.pool, deps.relay, deps.tracing, settings.token),
        topics_of(PLAYBOOK, words, OBSERVED),
        duties,
        (desk,),
    )


SERVICE = Service(
    name="order",
    schema="orders",
    sql=Path(__file__).with_name("schema.sql"),
    summary="Orders: place, follow, cancel; and who coordinates them.",
    build=build,
)
