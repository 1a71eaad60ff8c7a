"""Payment over HTTP: one payment, and the ledger in total."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel

from services.kit.pool import Pool
from services.kit.problems import Problem, documented

_PAYMENT = """
SELECT order_id, status, amount_cents, currency, reason, changed_at
FROM payments WHERE order_id = %s
"""

_LEDGER = """
SELECT coalesce(sum(amount_cents) FILTER (WHERE entry = 'authorized'), 0)::bigint,
       coalesce(sum(amount_cents) FILTER (WHERE entry = 'captured'), 0)::bigint,
       coalesce(sum(amount_cents) FILTER (WHERE entry = 'voided'), 0)::bigint,
       count(*)
FROM ledger
"""


class PaymentView(BaseModel):
    order_id: UUID
    status: str
    amount_cents: int
    currency: str
    reason: str | None
    changed_at: str


class LedgerTotals(BaseModel):
    """Authorized is captured + voided + open, always."""

    authorized_cents: int
    captured_cents: int
    voided_cents: int
    open_cents: int
    entries: int


def make_router(pool: Pool) -> APIRouter:
    router = APIRouter(tags=["payment"])

    @router.get(
        "/payments/{order_id}", responses=documented(404, 422, 503), summary="An order's payment"
    )
    def get_payment(order_id: UUID) -> PaymentView:
        with pool.connection() as connection:
            row: Any = connection.execute(_PAYMENT, (str(order_id),)).fetchone()
        if row is None:
            raise Problem(404, "unknown-order", f"no payment was asked for order {order_id}")
        return PaymentView(
            order_id=row[0],
            status=row[1],
            amount_cents=row[2],
            currency=row[3],
            reason=row[4],
            changed_at=row[5].isoformat(),
        )

    @router.get("/ledger", responses=documented(503), summary="All money, in total")
    def get_ledger() -> LedgerTotals:
        with pool.connection() as connection:
            row: Any = connection.execute(_LEDGER).fetchone()
        authorized, captured, voided, entries = row
        return LedgerTotals(
            authorized_cents=authorized,
            captured_cents=captured,
            voided_cents=voided,
            open_cents=authorized - captured - voided,
            entries=entries,
        )

    return router
