"""Orders in PostgreSQL: ending, hearing and closing them, a batch at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from services.kit import sql
from services.kit.effects import Closed, Effects
from services.kit.message import Command, Message, Mode, SagaId
from services.kit.participant import Answers
from services.messages import CustomerNotified, StepHeld
from services.order.held import note
from services.order.model import Order, Orders, Status

_LOAD = """
SELECT id, customer_id, status, reason
FROM orders WHERE id = ANY(%s::uuid[])
ORDER BY id FOR UPDATE
"""

_END = """
UPDATE orders
SET status = new.status, reason = new.reason, ended_at = clock_timestamp()
FROM json_to_recordset(%s) AS new (order_id uuid, status text, reason text)
WHERE orders.id = new.order_id
"""

_HEAR = """
INSERT INTO timeline (order_id, message_id, type, source, mode, epoch, at)
SELECT * FROM json_to_recordset(%s) AS new (
    order_id uuid, message_id text, type text, source text, mode text, epoch integer,
    at timestamptz)
"""

# Several rules may hold an order at the same time, which passes once.
_CLOSE = """
UPDATE orders SET closed_at = clock_timestamp()
WHERE id = ANY(%s::uuid[]) AND closed_at IS NULL
RETURNING id, mode, epoch, status, reason, traceparent, parent_span,
    extract(epoch FROM placed_at)::float8,
    extract(epoch FROM coalesce(ended_at, closed_at))::float8,
    extract(epoch FROM closed_at)::float8, (
        SELECT coalesce(sum(extract(epoch FROM upper(held) - lower(held))), 0)::float8
        FROM (
            SELECT unnest(range_agg(tstzrange(held_at, greatest(
                held_at, least(answered_at, until, orders.ended_at))))) AS held
            FROM holds WHERE order_id = orders.id
        ) AS stretches
    )
"""


class OrderRepository:
    def load(self, connection: Any, commands: Sequence[Command], answers: Answers) -> Orders:
        ids = sorted({command.order_id for command in commands})
        found = (
            Order(SagaId(order), customer, Status(status), reason)
            for order, customer, status, reason in connection.execute(_LOAD, (sql.ids(ids),))
        )
        return Orders({order.order_id: order for order in found})

    def save(self, connection: Any, orders: Orders) -> None:
        if orders.ended:
            connection.later(_END, sql.rows(map(vars, orders.ended)))


def hear(
    connection: Any, messages: Sequence[Message], effects: Effects, *, patience: float
) -> None:
    """Note what the others tell of our orders; the last of it closes an order."""
    heard = sql.rows(
        {
            "order_id": message.saga_id,
            "message_id": message.id,
            "type": message.type,
            "source": message.source,
            "mode": message.mode,
            "epoch": message.epoch,
            "at": message.time,
        }
        for message in messages
    )
    connection.execute(_HEAR, (heard,))
    if held := [message for message in messages if message.type == StepHeld.__name__]:
        note(connection, held, patience)
    last = {m.saga_id: m.receipt for m in messages if m.type == CustomerNotified.__name__}
    if last:
        rows = connection.execute(_CLOSE, (sql.ids(sorted(last)),))
        effects.closed.extend(_closed(row, last) for row in rows)


def _closed(row: Any, last: Mapping[SagaId, str]) -> Closed:
    order, mode, *rest = row
    return replace(Closed(order, Mode(mode), *rest), closed_by=last[order])
