"""Orders in PostgreSQL: ending, hearing and closing them, a batch at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from services.kit.effects import Closed, Effects
from services.kit.message import Command, Message, Mode, SagaId
from services.kit.participant import Answers
from services.messages import CustomerNotified
from services.order.model import Order, Orders, Status

_LOAD = """
SELECT id, customer_id, status, reason
FROM orders WHERE id = ANY(%s::uuid[])
ORDER BY id FOR UPDATE
"""

_END = """
UPDATE orders
SET status = new.status, reason = new.reason, ended_at = clock_timestamp()
FROM unnest(%s::uuid[], %s::text[], %s::text[]) AS new (id, status, reason)
WHERE orders.id = new.id
"""

_HEAR = """
INSERT INTO timeline (order_id, message_id, type, source, mode, epoch, at)
SELECT * FROM unnest(
    %s::uuid[], %s::text[], %s::text[], %s::text[], %s::text[], %s::integer[], %s::timestamptz[])
"""

_CLOSE = """
UPDATE orders SET closed_at = clock_timestamp()
WHERE id = ANY(%s::uuid[]) AND closed_at IS NULL
RETURNING id, mode, epoch, status, reason, traceparent, parent_span,
    extract(epoch FROM placed_at)::float8,
    extract(epoch FROM coalesce(ended_at, closed_at))::float8,
    extract(epoch FROM closed_at)::float8
"""


class OrderRepository:
    def load(self, connection: Any, commands: Sequence[Command], answers: Answers) -> Orders:
        ids = sorted({command.order_id for command in commands})
        found = (
            Order(SagaId(order), customer, Status(status), reason)
            for order, customer, status, reason in connection.execute(_LOAD, (ids,))
        )
        return Orders({order.order_id: order for order in found})

    def save(self, connection: Any, orders: Orders) -> None:
        if orders.ended:
            connection.execute(
                _END,
                (
                    [order.order_id for order in orders.ended],
                    [str(order.status) for order in orders.ended],
                    [order.reason for order in orders.ended],
                ),
            )


def hear(connection: Any, messages: Sequence[Message], effects: Effects) -> None:
    """Note what the others tell of our orders; the last of it closes an order."""
    connection.execute(
        _HEAR,
        (
            [message.saga_id for message in messages],
            [message.id for message in messages],
            [message.type for message in messages],
            [message.source for message in messages],
            [message.mode.value for message in messages],
            [message.epoch for message in messages],
            [message.time for message in messages],
        ),
    )
    last = sorted({m.saga_id for m in messages if m.type == CustomerNotified.__name__})
    if last:
        effects.closed.extend(_closed(row) for row in connection.execute(_CLOSE, (last,)))


def _closed(row: Any) -> Closed:
    order, mode, *rest = row
    return Closed(order, Mode(mode), *rest)
