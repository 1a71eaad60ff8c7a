"""The order service, put together."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from services.kit.batch import reader_of
from services.kit.broker import ACKNOWLEDGEMENTS
from services.kit.dead_letters import group_of
from services.kit.faults import Faults
from services.kit.handling import Playbook
from services.kit.message import Mode
from services.kit.participant import Participant
from services.kit.postgres import PostgresDatabase
from services.kit.service import Deps, Listener, Parts, Service
from services.kit.topics import topics_in, topics_of
from services.kit.worker import Duty
from services.messages import EVENTS, vocabulary
from services.order import handlers, policy_api, reactions
from services.order.api import make_router
from services.order.deadlines import Deadlines, count_open
from services.order.desk import AdmissionDesk
from services.order.heard import HOLDS, Heard
from services.order.policies import Register
from services.order.policing import Policing
from services.order.routing import tell_route
from services.order.store import OrderRepository, hear
from services.policy.reader import TopicReader

PLAYBOOK = Playbook.of(handlers, reactions)
NOTHING = Playbook({}, {}, {}, frozenset())
OTHERS = tuple(event for event in EVENTS if event.channel != "orders")
OBSERVED = frozenset(event.__name__ for event in OTHERS)
TIMELINE_TOPICS = topics_in(Mode, OTHERS)


def build(deps: Deps) -> Parts:
    words, settings, points = vocabulary(), deps.settings, deps.faults.crash_points
    core = Participant("order", PLAYBOOK, words, OrderRepository(), deps.faults)
    timeline = Participant(
        "order",
        NOTHING,
        words,
        OrderRepository(),
        Faults(crash_points=points),
        observer=partial(hear, patience=settings.order_deadline_seconds),
        observes=OBSERVED,
        inbox="@timeline",
    )
    listening = group_of(reader_of(timeline))
    wait = settings.order_deadline_seconds
    desk = AdmissionDesk(
        deps.database("admission"), deps.relay, deps.backlog, deps.tracing, deps.metrics, wait
    )

    router = make_router(desk, deps.pool, deps.relay, deps.tracing, settings.token, points)
    router.include_router(
        policy_api.make_router(deps.pool, deps.relay, deps.tracing, wait, settings.token)
    )
    register = TopicReader(settings, ACKNOWLEDGEMENTS, Register(deps.pool).hear)

    return Parts(
        core,
        router,
        topics_of(PLAYBOOK, words),
        partial(_duties, deps, listening),
        (desk, register),
        (Listener(listening, timeline, TIMELINE_TOPICS),),
    )


def _duties(deps: Deps, listening: str, database: PostgresDatabase) -> list[Duty]:
    """`listening` is the group that hears what becomes of orders."""
    deadlines = Deadlines(
        database,
        deps.relay,
        deps.tracing,
        deps.settings.order_deadline_seconds,
        deps.metrics,
        Heard(deps.probe, listening, [HOLDS]),
    )
    policing = Policing(database, deps.metrics, Heard(deps.probe, listening, TIMELINE_TOPICS))
    return [
        Duty(deadlines.run),
        Duty(lambda: count_open(database, deps.metrics)),
        Duty(lambda: tell_route(database, deps.metrics)),
        Duty(policing.measure_skew),
        Duty(policing.audit),
    ]


SERVICE = Service(
    name="order",
    schema="orders",
    sql=Path(__file__).with_name("schema.sql"),
    summary="Orders: place, follow, cancel; and who coordinates them.",
    build=build,
)
