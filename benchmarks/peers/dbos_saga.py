"""The saga as a DBOS workflow: a step is a transaction on the shop's tables, and DBOS notes its
result in its own tables on the same server."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from dbos import DBOS, DBOSConfig, SetWorkflowID
from starlette.applications import Starlette

from benchmarks.peers import effects, web
from benchmarks.peers.orders import Order, connections, make_tables

MODE = "orchestration"
_shop: Any = None


@DBOS.step()
async def reserve(order: Order) -> str | None:
    return await _asked(effects.reserve, order)


@DBOS.step()
async def authorize(order: Order) -> str | None:
    return await _asked(effects.authorize, order)


@DBOS.step()
async def arrange(order_id: str, country: str) -> str | None:
    return await _asked(effects.arrange, order_id, country)


@DBOS.step()
async def release(order_id: str, reason: str) -> None:
    await _done(effects.release, order_id, reason)


@DBOS.step()
async def void(order_id: str, reason: str) -> None:
    await _done(effects.void, order_id, reason)


@DBOS.step()
async def capture(order_id: str) -> None:
    await _done(effects.capture, order_id)


@DBOS.step()
async def ship(order_id: str) -> None:
    await _done(effects.ship, order_id)


@DBOS.step()
async def end(order_id: str, reason: str | None) -> None:
    await _done(effects.end, order_id, reason)


@DBOS.step()
async def notify(order_id: str, customer_id: str, reason: str | None) -> None:
    await _done(effects.notify, order_id, customer_id, reason)


@DBOS.workflow()
async def order_saga(order: Order) -> None:
    reason = await _prepare(order)
    if reason is None:
        await asyncio.gather(capture(order.order_id), ship(order.order_id))
    await end(order.order_id, reason)
    await notify(order.order_id, order.customer_id, reason)


async def _prepare(order: Order) -> str | None:
    short, declined = await asyncio.gather(reserve(order), authorize(order))
    reason: str | None = short or declined or await arrange(order.order_id, order.country)
    if reason and not short:
        await release(order.order_id, reason)
    if reason and not declined:
        await void(order.order_id, reason)
    return reason


async def _asked(effect: Any, *arguments: Any) -> str | None:
    reason: str | None = await _shop.ask(effect, *arguments)
    return reason


async def _done(effect: Any, *arguments: Any) -> None:
    await _shop.do(effect, *arguments)


async def place(order: Order, key: str) -> None:
    await _shop.place(order, MODE, key)
    with SetWorkflowID(order.order_id):
        await DBOS.start_workflow_async(order_saga, order)


@asynccontextmanager
async def lifespan(_app: Starlette) -> AsyncIterator[None]:
    global _shop
    async with await connections() as pool:
        await make_tables(pool)
        _shop = effects.Shop(pool)
        DBOS.launch()
        try:
            yield
        finally:
            DBOS.destroy()


def run(_process: str) -> None:
    """The system tables are in the shop's database, in a schema of their own."""
    config: DBOSConfig = {
        "name": "bandstand-bench",
        "system_database_url": os.environ["BANDSTAND_DATABASE_URL"],
        "log_level": "WARNING",
    }
    DBOS(config=config)
    web.serve(web.shop(place, MODE, lifespan))
