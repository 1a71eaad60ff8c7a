"""The saga as a Temporal workflow: its steps are activities; front door, worker and Temporal's
development server are three processes."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import Worker

with workflow.unsafe.imports_passed_through():
    from starlette.applications import Starlette

    from benchmarks.peers import effects, web
    from benchmarks.peers.orders import Order, connections, make_tables, patiently, tables_made

MODE = "orchestration"
QUEUE = "orders"
TIMEOUT = timedelta(seconds=60)
ANSWERS_WITHIN_SECONDS = 3.0


class Activities:
    def __init__(self, shop: effects.Shop) -> None:
        self._shop = shop

    @activity.defn
    async def reserve(self, order: Order) -> str | None:
        return await self._shop.ask(effects.reserve, order)

    @activity.defn
    async def authorize(self, order: Order) -> str | None:
        return await self._shop.ask(effects.authorize, order)

    @activity.defn
    async def arrange(self, order_id: str, country: str) -> str | None:
        return await self._shop.ask(effects.arrange, order_id, country)

    @activity.defn
    async def release(self, order_id: str, reason: str) -> None:
        await self._shop.do(effects.release, order_id, reason)

    @activity.defn
    async def void(self, order_id: str, reason: str) -> None:
        await self._shop.do(effects.void, order_id, reason)

    @activity.defn
    async def capture(self, order_id: str) -> None:
        await self._shop.do(effects.capture, order_id)

    @activity.defn
    async def ship(self, order_id: str) -> None:
        await self._shop.do(effects.ship, order_id)

    @activity.defn
    async def end(self, order_id: str, reason: str | None) -> None:
        await self._shop.do(effects.end, order_id, reason)

    @activity.defn
    async def notify(self, order_id: str, customer_id: str, reason: str | None) -> None:
        await self._shop.do(effects.notify, order_id, customer_id, reason)

    @property
    def all(self) -> list[Callable[..., Awaitable[Any]]]:
        forward = [self.reserve, self.authorize, self.arrange, self.capture, self.ship]
        return [*forward, self.release, self.void, self.end, self.notify]


@workflow.defn
class OrderSaga:
    @workflow.run
    async def run(self, order: Order) -> None:
        reason = await self._prepare(order)
        if reason is None:
            await asyncio.gather(
                _do(Activities.capture, order.order_id), _do(Activities.ship, order.order_id)
            )
        await _do(Activities.end, order.order_id, reason)
        await _do(Activities.notify, order.order_id, order.customer_id, reason)

    async def _prepare(self, order: Order) -> str | None:
        short, declined = await asyncio.gather(
            _do(Activities.reserve, order), _do(Activities.authorize, order)
        )
        reason = short or declined or await _do(Activities.arrange, order.order_id, order.country)
        if reason and not short:
            await _do(Activities.release, order.order_id, reason)
        if reason and not declined:
            await _do(Activities.void, order.order_id, reason)
        return str(reason) if reason else None


async def _do(effect: Any, *arguments: Any) -> Any:
    return await workflow.execute_activity_method(
        effect, args=arguments, start_to_close_timeout=TIMEOUT
    )


class Door:
    def __init__(self) -> None:
        self._shop: Any = None
        self._client: Any = None

    @asynccontextmanager
    async def lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        async with await connections() as pool:
            await make_tables(pool)
            self._shop = effects.Shop(pool)
            self._client = await _connected()
            yield

    async def place(self, order: Order, key: str) -> None:
        await self._shop.place(order, MODE, key)
        await self._client.start_workflow(OrderSaga.run, order, id=order.order_id, task_queue=QUEUE)


@asynccontextmanager
async def working(_app: Starlette) -> AsyncIterator[None]:
    async with await connections() as pool:
        await tables_made(pool)
        activities = Activities(effects.Shop(pool)).all
        client = await _connected()
        async with Worker(client, task_queue=QUEUE, workflows=[OrderSaga], activities=activities):
            yield


@asynccontextmanager
async def serving(_app: Starlette) -> AsyncIterator[None]:
    """Temporal's server as a child, whose cost is then counted as this process's own. In memory,
    its fastest form: a restart loses every workflow."""
    host, _, port = os.environ["BENCHMARK_TEMPORAL"].partition(":")
    binary = str(Path(sys.executable).with_name("temporal"))
    quietly = ("--headless", "--log-level", "error")
    server = await asyncio.create_subprocess_exec(
        binary, "server", "start-dev", "--ip", host, "--port", port, *quietly
    )
    try:
        yield
    finally:
        server.terminate()
        await server.wait()


async def _connected() -> Any:
    """A server that is just starting may take a connection and never answer on it."""
    address = os.environ["BENCHMARK_TEMPORAL"]
    return await patiently(
        lambda: asyncio.wait_for(Client.connect(address), ANSWERS_WITHIN_SECONDS), RuntimeError
    )


def run(process: str) -> None:
    door = Door()
    apps = {
        "order": lambda: web.shop(door.place, MODE, door.lifespan),
        "worker": lambda: web.silent(working),
        "server": lambda: web.silent(serving),
    }
    web.serve(apps[process]())
