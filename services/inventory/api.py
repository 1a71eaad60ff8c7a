"""Inventory over HTTP: levels, reservations, restocking."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from services.kit.api import NUMBER, NameInPath, require_token
from services.kit.pool import Pool
from services.kit.problems import Problem, documented

_LEVELS = "SELECT sku, on_hand, reserved, shipped, stocked FROM stock ORDER BY sku"
_LEVEL = "SELECT sku, on_hand, reserved, shipped, stocked FROM stock WHERE sku = %s"
_RESTOCK = """
UPDATE stock SET on_hand = on_hand + %(quantity)s, stocked = stocked + %(quantity)s
WHERE sku = %(sku)s
RETURNING sku, on_hand, reserved, shipped, stocked
"""
_RESERVATION = """
SELECT order_id, status, items::text, reason, changed_at FROM reservations WHERE order_id = %s
"""


class StockLevel(BaseModel):
    """On hand + reserved + shipped is what was ever stocked."""

    sku: str
    on_hand: int
    reserved: int
    shipped: int
    stocked: int


class StockLevels(BaseModel):
    stock: list[StockLevel]


class Restock(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"quantity": 10}]})

    quantity: Annotated[int, Field(ge=1, le=1_000_000), NUMBER]


class ReservationView(BaseModel):
    order_id: UUID
    status: str
    reason: str | None
    changed_at: str


def make_router(pool: Pool, token: str) -> APIRouter:
    router = APIRouter(tags=["inventory"])

    @router.get("/stock", responses=documented(503), summary="All levels")
    def get_stock() -> StockLevels:
        with pool.connection() as connection:
            return StockLevels(stock=[_level(row) for row in connection.execute(_LEVELS)])

    @router.get("/stock/{sku}", responses=documented(404, 422, 503), summary="One level")
    def get_level(sku: NameInPath) -> StockLevel:
        with pool.connection() as connection:
            return _known(connection.execute(_LEVEL, (sku,)).fetchone(), sku)

    @router.post(
        "/stock/{sku}/restock",
        dependencies=[Depends(require_token(token))],
        responses=documented(401, 403, 404, 422, 503),
        summary="Add to what is on hand",
    )
    def restock(sku: NameInPath, body: Restock) -> StockLevel:
        with pool.connection() as connection:
            values = {"sku": sku, "quantity": body.quantity}
            return _known(connection.execute(_RESTOCK, values).fetchone(), sku)

    @router.get(
        "/reservations/{order_id}",
        responses=documented(404, 422, 503),
        summary="What is held for an order",
    )
    def get_reservation(order_id: UUID) -> ReservationView:
        with pool.connection() as connection:
            row: Any = connection.execute(_RESERVATION, (str(order_id),)).fetchone()
        if row is None:
            raise Problem(404, "unknown-order", f"nothing is held for order {order_id}")
        return ReservationView(
            order_id=row[0], status=row[1], reason=row[3], changed_at=row[4].isoformat()
        )

    return router


def _known(row: Any, sku: str) -> StockLevel:
    if row is None:
        raise Problem(404, "unknown-sku", f"no stock is kept of {sku!r}")
    return _level(row)


def _level(row: Any) -> StockLevel:
    return StockLevel(sku=row[0], on_hand=row[1], reserved=row[2], shipped=row[3], stocked=row[4])
