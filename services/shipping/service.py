"""Shipping, put together."""

from __future__ import annotations

from pathlib import Path

from services.kit.handling import Playbook
from services.kit.latency import Latency
from services.kit.participant import Participant
from services.kit.service import Deps, Parts, Service
from services.kit.topics import topics_of
from services.messages import vocabulary
from services.shipping import handlers, reactions
from services.shipping.api import make_router
from services.shipping.carrier import Carrier
from services.shipping.store import ShipmentRepository

PLAYBOOK = Playbook.of(handlers, reactions)


def build(deps: Deps) -> Parts:
    words, settings = vocabulary(), deps.settings
    carrier = Carrier(Latency(settings.external_latency_ms, settings.seed))
    tables, faults, point = ShipmentRepository(), deps.faults, deps.point
    core = Participant("shipping", PLAYBOOK, words, tables, faults, carrier, point=point)
    return Parts(core, make_router(deps.pool), topics_of(PLAYBOOK, words))


SERVICE = Service(
    name="shipping",
    schema="shipping",
    sql=Path(__file__).with_name("schema.sql"),
    summary="Shipments: arrange or cancel.",
    build=build,
    enforces=True,
)
