"""Shipping over HTTP."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel

from services.kit.pool import Pool
from services.kit.problems import Problem, documented

_SHIPMENT = """
SELECT order_id, status, tracking, reason, changed_at FROM shipments WHERE order_id = %s
"""


class ShipmentView(BaseModel):
    order_id: UUID
    status: str
    tracking: str | None
    reason: str | None
    changed_at: str


def make_router(pool: Pool) -> APIRouter:
    router = APIRouter(tags=["shipping"])

    @router.get(
        "/shipments/{order_id}", responses=documented(404, 422, 503), summary="An order's shipment"
    )
    def get_shipment(order_id: UUID) -> ShipmentView:
        with pool.connection() as connection:
            row: Any = connection.execute(_SHIPMENT, (str(order_id),)).fetchone()
        if row is None:
            raise Problem(404, "unknown-order", f"no shipment was settled for order {order_id}")
        return ShipmentView(
            order_id=row[0],
            status=row[1],
            tracking=row[2],
            reason=row[3],
            changed_at=row[4].isoformat(),
        )

    return router
