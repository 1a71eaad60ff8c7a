"""Payment, put together."""

from __future__ import annotations

from pathlib import Path

from services.kit.handling import Playbook
from services.kit.latency import Latency
from services.kit.participant import Participant
from services.kit.service import Deps, Parts, Service
from services.kit.topics import topics_of
from services.messages import vocabulary
from services.payment import handlers, reactions
from services.payment.api import make_router
from services.payment.card_network import CardNetwork
from services.payment.store import PaymentRepository

PLAYBOOK = Playbook.of(handlers, reactions)


def build(deps: Deps) -> Parts:
    words, settings = vocabulary(), deps.settings
    network = CardNetwork(Latency(settings.external_latency_ms, settings.seed))
    tables, faults, point = PaymentRepository(), deps.faults, deps.point
    core = Participant("payment", PLAYBOOK, words, tables, faults, network, point=point)
    return Parts(core, make_router(deps.pool), topics_of(PLAYBOOK, words))


SERVICE = Service(
    name="payment",
    schema="payment",
    sql=Path(__file__).with_name("schema.sql"),
    summary="Payments: authorize, void, capture.",
    build=build,
    enforces=True,
)
