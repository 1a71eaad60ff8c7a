"""An order as the peers carry it, and the shop's tables: those of the services."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

import services
from lab.load.mix import Draft
from services.catalogue import PRICES_CENTS, SOLD_OUT
from services.kit.latency import Latency
from services.order.model import new_order_id

SERVICES = Path(services.__file__).parent
SCHEMAS = {
    "order": "orders",
    "inventory": "inventory",
    "payment": "payment",
    "shipping": "shipping",
    "notification": "notification",
    "orchestrator": "orchestrator",
}
STOCK = 1_000_000
CONNECTIONS = 10
MEAN_LATENCY_MS = 1.0
PATIENCE_SECONDS = 60.0
PAUSE_SECONDS = 0.2
STOCKED = """
INSERT INTO inventory.stock (sku, on_hand, stocked) VALUES ($1, $2, $2) ON CONFLICT DO NOTHING
"""


@dataclass(frozen=True)
class Order:
    order_id: str
    customer_id: str
    skus: list[str]
    quantities: list[int]
    total_cents: int
    currency: str
    card: str
    recipient: str
    country: str
    city: str
    postcode: str


def priced(draft: Draft) -> Order:
    return Order(
        order_id=new_order_id(),
        customer_id=draft.customer_id,
        skus=[item.sku for item in draft.items],
        quantities=[item.quantity for item in draft.items],
        total_cents=sum(PRICES_CENTS[item.sku] * item.quantity for item in draft.items),
        currency=draft.currency,
        card=draft.card,
        recipient=draft.ship_to.name,
        country=draft.ship_to.country,
        city=draft.ship_to.city,
        postcode=draft.ship_to.postcode,
    )


async def ask_third_party(order_id: str) -> None:
    """As long as the card network and the carrier take, for this order."""
    await asyncio.sleep(_LATENCY.seconds(order_id))


async def connections(most: int = CONNECTIONS) -> Any:
    """Without the round trip that resets a connection: nobody here leaves anything in one."""
    url = os.environ["BANDSTAND_DATABASE_URL"]
    return await patiently(
        lambda: asyncpg.create_pool(url, min_size=1, max_size=most, reset=_leave_as_it_is)
    )


async def _leave_as_it_is(_connection: Any) -> None:
    pass


async def make_tables(pool: Any) -> None:
    """All schemas of the services, and full shelves; the front door does it, once."""
    async with pool.acquire() as connection, connection.transaction():
        for service, schema in SCHEMAS.items():
            await connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
            await connection.execute(f"SET LOCAL search_path TO {schema}")
            for part in ("kit", service):
                await connection.execute((SERVICES / part / "schema.sql").read_text())
        for sku in PRICES_CENTS:
            await connection.execute(STOCKED, sku, 0 if sku in SOLD_OUT else STOCK)


async def tables_made(pool: Any) -> None:
    """For every other process: wait for the front door."""
    await patiently(lambda: pool.fetchval("SELECT count(*) FROM inventory.stock"))


async def patiently(ask: Any, *away: type[Exception]) -> Any:
    """Servers start at the same moment as their clients; `away` is how a client says so."""
    deadline = asyncio.get_running_loop().time() + PATIENCE_SECONDS
    while True:
        try:
            return await ask()
        except (OSError, asyncpg.PostgresError, *away):
            if asyncio.get_running_loop().time() > deadline:
                raise
            await asyncio.sleep(PAUSE_SECONDS)


def as_json(skus: Sequence[str], quantities: Sequence[int]) -> str:
    items = (f'{{"sku":"{s}","quantity":{q}}}' for s, q in zip(skus, quantities, strict=True))
    return f"[{','.join(items)}]"


_LATENCY = Latency(MEAN_LATENCY_MS, seed=1)
