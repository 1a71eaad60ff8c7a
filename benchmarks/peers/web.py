"""The front door that every peer gets: `POST /orders` as the order service answers it."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from benchmarks.peers.orders import Order, priced
from lab.load.mix import Draft

JSON = "application/json"
Place = Callable[[Order, str], Awaitable[None]]
Lifespan = Callable[[Starlette], AbstractAsyncContextManager[None]]

_draft = msgspec.json.Decoder(Draft).decode


def serve(app: Starlette) -> None:
    port = int(os.environ["BANDSTAND_PORT"])
    uvicorn.run(app, port=port, loop="uvloop", log_level="warning", access_log=False)


def silent(lifespan: Lifespan, *routes: Route) -> Starlette:
    """An app that only says that it is there."""
    about = [Route("/readyz", _ready), Route("/metrics", _no_metrics)]
    return Starlette(routes=[*about, *routes], lifespan=lifespan)


def shop(place: Place, mode: str, lifespan: Lifespan, *routes: Route) -> Starlette:
    """`place` has made the order durable, as far as its system does, when it returns."""

    async def orders(request: Request) -> Response:
        order = priced(_draft(await request.body()))
        await place(order, request.headers["idempotency-key"])
        return answer({"id": order.order_id, "mode": mode, "epoch": 1}, 202)

    return silent(lifespan, Route("/orders", orders, methods=["POST"]), *routes)


def answer(value: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status, media_type=JSON)


async def _ready(_request: Request) -> Response:
    return answer({})


async def _no_metrics(_request: Request) -> Response:
    return Response("# EOF\n", media_type="text/plain")
