"""The order API: place, look, cancel; and the route of new orders."""

from __future__ import annotations

import asyncio
from hashlib import sha256
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query, Response

from services.catalogue import CURRENCY, PRICES_CENTS
from services.kit.api import require_token
from services.kit.crash_points import CrashPoints
from services.kit.message import Mode
from services.kit.pool import Pool
from services.kit.problems import Problem, documented
from services.kit.relay import Publisher
from services.kit.tracing import Tracing
from services.messages import Address, Item, OrderPlaced
from services.order import queries, routing
from services.order.admission import Application
from services.order.desk import AdmissionDesk
from services.order.model import new_order_id
from services.order.views import (
    Accepted,
    CoordinationView,
    NewOrder,
    NewRoute,
    OrderPage,
    OrderStatus,
    OrderView,
)

IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=255,
        pattern=r"^[\x21-\x7e]+$",
        description="The same key and body gives the same order, however often it is sent.",
    ),
]


OPEN = "Open is an order until its customer has been told, also when it is confirmed or rejected."
NOT_NOW = documented(
    503,
    about="Not admitted now: `outbox-full` while the broker is away. Or not known to be: after"
    " `database-unavailable`, what is sent again with the same `Idempotency-Key` is placed once",
)


def make_router(
    desk: AdmissionDesk,
    pool: Pool,
    publisher: Publisher,
    tracing: Tracing,
    token: str,
    crash_points: CrashPoints,
) -> APIRouter:
    router = APIRouter()
    _add_admission(router, desk)
    _add_orders(router, pool, publisher, tracing)
    _add_coordination(router, pool, token, crash_points)
    return router


def _add_admission(router: APIRouter, desk: AdmissionDesk) -> None:
    @router.post(
        "/orders",
        status_code=202,
        tags=["orders"],
        responses=documented(422) | NOT_NOW,
        summary="Place an order",
    )
    async def place(
        body: NewOrder,
        response: Response,
        idempotency_key: IdempotencyKey = None,
        traceparent: Annotated[str | None, Header(include_in_schema=False)] = None,
        baggage: Annotated[str | None, Header(include_in_schema=False)] = None,
    ) -> Accepted:
        application = _priced(body, idempotency_key, traceparent, baggage)
        admitted = await asyncio.wrap_future(desk.submit(application))
        response.headers["Location"] = f"/orders/{admitted.order_id}"
        return Accepted(
            id=UUID(admitted.order_id),
            status="pending",
            mode=admitted.mode,
            epoch=admitted.epoch,
            total_cents=admitted.total_cents,
        )


def _add_orders(router: APIRouter, pool: Pool, publisher: Publisher, tracing: Tracing) -> None:
    tags: list[str] = ["orders"]

    @router.get(
        "/orders", tags=[*tags], responses=documented(422, 503), summary="Orders, newest first"
    )
    def get_orders(
        status: Annotated[OrderStatus | None, Query()] = None,
        is_open: Annotated[bool | None, Query(alias="open", description=OPEN)] = None,
        mode: Annotated[Mode | None, Query()] = None,
        limit: Annotated[int, Query(ge=1, le=500)] = 50,
        cursor: Annotated[UUID | None, Query(description="`next` of the page before")] = None,
    ) -> OrderPage:
        return queries.page(pool, limit, status=status, is_open=is_open, mode=mode, before=cursor)

    @router.get(
        "/orders/{order_id}",
        tags=[*tags],
        responses=documented(404, 422, 503),
        summary="An order and what happened to it",
    )
    def get_order(order_id: UUID) -> OrderView:
        return queries.order(pool, order_id)

    @router.post(
        "/orders/{order_id}/cancel",
        status_code=202,
        tags=[*tags],
        responses=documented(404, 409, 422, 503),
        summary="Ask to cancel an order",
    )
    def cancel(order_id: UUID) -> OrderView:
        queries.cancel(pool, publisher, tracing, order_id)
        return queries.order(pool, order_id)


def _add_coordination(router: APIRouter, pool: Pool, token: str, crash_points: CrashPoints) -> None:
    @router.get(
        "/coordination",
        tags=["coordination"],
        responses=documented(503),
        summary="Who coordinates new orders",
    )
    def get_coordination() -> CoordinationView:
        return CoordinationView.model_validate(routing.snapshot(pool))

    @router.put(
        "/coordination",
        tags=["coordination"],
        dependencies=[Depends(require_token(token))],
        responses=documented(401, 403, 409, 422, 503),
        summary="Switch, by compare-and-set on the epoch",
    )
    def put_coordination(body: NewRoute) -> CoordinationView:
        return CoordinationView.model_validate(
            routing.switch(pool, body.mode, body.weight, body.epoch, crash_points)
        )


def _priced(
    body: NewOrder, key: str | None, traceparent: str | None, baggage: str | None
) -> Application:
    unknown = sorted({item.sku for item in body.items} - PRICES_CENTS.keys())
    if unknown:
        raise Problem(422, "unknown-sku", f"not sold here: {', '.join(unknown)}", skus=unknown)
    if body.currency != CURRENCY:
        detail = f"prices are in {CURRENCY}, not {body.currency}"
        raise Problem(422, "unsupported-currency", detail)
    address = body.ship_to
    placed = OrderPlaced(
        order_id=new_order_id(),
        customer_id=body.customer_id,
        items=tuple(Item(item.sku, item.quantity) for item in body.items),
        amount_cents=sum(PRICES_CENTS[item.sku] * item.quantity for item in body.items),
        currency=body.currency,
        card=body.card,
        ship_to=Address(address.name, address.country, address.city, address.postcode),
    )
    request_hash = sha256(body.model_dump_json().encode()).digest()
    return Application(placed, request_hash, key, traceparent, baggage)
