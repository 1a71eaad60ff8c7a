"""Reading orders, and asking for their cancellation."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec

from services.kit.message import Epoch, Mode, SagaId, compose
from services.kit.pool import Pool
from services.kit.postgres import transaction
from services.kit.problems import Problem
from services.kit.relay import Publisher
from services.kit.tracing import Tracing
from services.messages import OrderCancelRequested
from services.order.admission import told
from services.order.views import Heard, OpenHold, OrderPage, OrderSummary, OrderView

_PAGE = """
SELECT id, customer_id, status, reason, mode, epoch, total_cents, currency,
    placed_at, ended_at, closed_at FROM orders
WHERE {openness}
  AND (%(status)s::text IS NULL OR status = %(status)s)
  AND (%(mode)s::text IS NULL OR mode = %(mode)s)
  AND (%(before)s::uuid IS NULL OR id < %(before)s::uuid)
ORDER BY id DESC
LIMIT %(limit)s
"""

# Spelled out, so that the index of open orders knows that it is meant.
PAGES = {
    is_open: _PAGE.format(openness=openness).encode()
    for is_open, openness in {
        None: "true",
        True: "closed_at IS NULL",
        False: "closed_at IS NOT NULL",
    }.items()
}

_ORDER = """
SELECT id, customer_id, status, reason, mode, epoch, total_cents, currency,
    placed_at, ended_at, closed_at, items::text, cancel_requested_at, traceparent
FROM orders WHERE id = %s
"""

_TIMELINE = "SELECT type, source, at, message_id FROM timeline WHERE order_id = %s"

_HOLDS = """
SELECT rule, step, until FROM holds
WHERE order_id = %s AND answer IS NULL AND until > clock_timestamp() ORDER BY rule
"""

_LOCK = """
SELECT status, cancel_requested_at, mode, epoch, traceparent FROM orders WHERE id = %s FOR UPDATE
"""

_CANCEL = "UPDATE orders SET cancel_requested_at = clock_timestamp() WHERE id = %s"


def page(
    pool: Pool,
    limit: int,
    *,
    status: str | None = None,
    is_open: bool | None = None,
    mode: Mode | None = None,
    before: UUID | None = None,
) -> OrderPage:
    values = {
        "status": status,
        "mode": mode.value if mode else None,
        "before": str(before) if before else None,
        "limit": limit + 1,
    }
    with pool.connection() as connection:
        rows = connection.execute(PAGES[is_open], values).fetchall()
    orders = [_summary(row) for row in rows[:limit]]
    return OrderPage(orders=orders, next=str(orders[-1].id) if len(rows) > limit else None)


def order(pool: Pool, order_id: UUID) -> OrderView:
    with pool.connection() as connection:
        row: Any = connection.execute(_ORDER, (str(order_id),)).fetchone()
        if row is None:
            raise unknown(order_id)
        heard = connection.execute(_TIMELINE, (str(order_id),)).fetchall()
        held: Any = connection.execute(_HOLDS, (str(order_id),)).fetchall()
    summary = _summary(row)
    pending = summary.status == "pending"
    items, cancel_requested_at, traceparent = row[11:14]
    return OrderView(
        **summary.model_dump(),
        items=msgspec.json.decode(items),
        cancel_requested_at=cancel_requested_at,
        trace_id=traceparent.split("-")[1] if traceparent else None,
        timeline=sorted(
            [*map(_heard, heard), *_own(summary, cancel_requested_at)], key=lambda one: one.at
        ),
        holds=[OpenHold(rule=r, step=s, until=u) for r, s, u in held] if pending else [],
    )


def cancel(pool: Pool, publisher: Publisher, tracing: Tracing, order_id: UUID) -> None:
    """Ask for it; whether it comes in time is decided at the pivot. Asking twice asks once."""
    with pool.connection() as connection, transaction(connection) as session:
        row: Any = session.execute(_LOCK, (str(order_id),)).fetchone()
        if row is None:
            raise unknown(order_id)
        status, requested_at, mode, epoch, traceparent = row
        if status != "pending":
            raise Problem(409, "already-ended", f"the order is {status} already")
        if requested_at is not None:
            return
        session.later(_CANCEL, str(order_id))
        event = OrderCancelRequested(order_id=SagaId(str(order_id)))
        message = compose(
            event, source="order", mode=Mode(mode), epoch=Epoch(epoch), traceparent=traceparent
        )
        earlier = session.unsent([SagaId(str(order_id))])
        session.send([told(tracing, message)])
    publisher.publish([*earlier, *session.sent])


def unknown(order_id: UUID) -> Problem:
    return Problem(404, "unknown-order", f"there is no order {order_id}")


def _summary(row: Any) -> OrderSummary:
    names = OrderSummary.model_fields
    return OrderSummary(**dict(zip(names, row[: len(names)], strict=True)))


def _heard(row: Any) -> Heard:
    kind, source, at, message_id = row
    return Heard(type=kind, source=source, at=at, attempt=int(message_id.rpartition(":")[2]))


def _own(summary: OrderSummary, cancel_requested_at: Any) -> list[Heard]:
    """What the order service did itself it need not hear from a topic."""
    own = [("OrderPlaced", summary.placed_at), ("OrderCancelRequested", cancel_requested_at)]
    if summary.ended_at is not None:
        own.append((f"Order{summary.status.capitalize()}", summary.ended_at))
    return [
        Heard(type=kind, source="order", at=at, attempt=1) for kind, at in own if at is not None
    ]
