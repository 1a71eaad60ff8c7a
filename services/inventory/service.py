"""Inventory, put together."""

from __future__ import annotations

from pathlib import Path

from psycopg import Connection

from services.catalogue import PRICES_CENTS, SOLD_OUT
from services.inventory import handlers, reactions
from services.inventory.api import make_router
from services.inventory.store import StockRepository
from services.kit.handling import Playbook
from services.kit.participant import Participant
from services.kit.service import Deps, Parts, Service
from services.kit.settings import Settings
from services.kit.topics import topics_of
from services.messages import vocabulary

PLAYBOOK = Playbook.of(handlers, reactions)


def build(deps: Deps) -> Parts:
    words = vocabulary()
    tables, faults, point = StockRepository(), deps.faults, deps.point
    core = Participant("inventory", PLAYBOOK, words, tables, faults, point=point)
    router = make_router(deps.pool, deps.settings.token)
    return Parts(core, router, topics_of(PLAYBOOK, words))


def fill_shelves(settings: Settings, connection: Connection[tuple[object, ...]]) -> None:
    """Stock what has never been stocked; a restart adds nothing."""
    for sku in PRICES_CENTS:
        quantity = 0 if sku in SOLD_OUT else settings.initial_stock
        connection.execute(
            "INSERT INTO stock (sku, on_hand, stocked) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
            (sku, quantity, quantity),
        )


SERVICE = Service(
    name="inventory",
    schema="inventory",
    sql=Path(__file__).with_name("schema.sql"),
    summary="Stock: reserve, release, ship.",
    build=build,
    enforces=True,
    prepare=fill_shelves,
)
