"""The floor: the bare transactions of the saga in one process, without any messaging.

Nothing is promised here: an order whose process dies stays where it is. `POST /run` does sagas
that nobody placed over HTTP: one by one, some of them at a time, or each step for a batch.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from benchmarks.peers import effects, web
from benchmarks.peers.batches import run_batches
from benchmarks.peers.orders import Order, connections, make_tables, priced
from lab.load.mix import mix

MODE = "choreography"
AT_A_TIME = 8


class Run(msgspec.Struct, frozen=True):
    orders: int
    seed: int
    batch: int = 1


async def saga(shop: effects.Shop, order: Order) -> None:
    reason = await _prepare(shop, order)
    if reason is None:
        await asyncio.gather(
            shop.do(effects.capture, order.order_id), shop.do(effects.ship, order.order_id)
        )
    await shop.do(effects.end, order.order_id, reason)
    await shop.do(effects.notify, order.order_id, order.customer_id, reason)


async def _prepare(shop: effects.Shop, order: Order) -> str | None:
    short, declined = await asyncio.gather(
        shop.do(effects.reserve, order), shop.do(effects.authorize, order)
    )
    reason = short or declined or await shop.do(effects.arrange, order.order_id, order.country)
    if reason and not short:
        await shop.do(effects.release, order.order_id, reason)
    if reason and not declined:
        await shop.do(effects.void, order.order_id, reason)
    return str(reason) if reason else None


class Floor:
    """Keeps what runs in the background from being collected."""

    def __init__(self) -> None:
        self._shop: Any = None
        self._running: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        async with await connections() as pool:
            await make_tables(pool)
            self._shop = effects.Shop(pool)
            yield

    async def place(self, order: Order, key: str) -> None:
        await self._shop.place(order, MODE, key)
        task = asyncio.create_task(saga(self._shop, order))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def run(self, request: Request) -> Response:
        asked = msgspec.json.decode(await request.body(), type=Run)
        if asked.batch > 1:
            await asyncio.to_thread(run_batches, asked.orders, asked.batch, asked.seed)
            return web.answer({})
        waiting = iter([priced(planned.draft) for planned in mix(asked.orders, asked.seed)])
        await asyncio.gather(*(self._work(waiting) for _ in range(AT_A_TIME)))
        return web.answer({})

    async def _work(self, waiting: Iterable[Order]) -> None:
        for order in waiting:
            await self._shop.place(order, MODE, uuid4().hex)
            await saga(self._shop, order)


def run(_process: str) -> None:
    floor = Floor()
    runs = Route("/run", floor.run, methods=["POST"])
    web.serve(web.shop(floor.place, MODE, floor.lifespan, runs))
