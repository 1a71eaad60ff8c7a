"""What the order service writes down when a point says that it holds a step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from services.kit import sql
from services.kit.message import Message
from services.messages import StepHeld

# A hold may take longer than an order may otherwise take; nobody shall take it for lost.
_NOTE = """
WITH new AS (
    SELECT * FROM json_to_recordset(%s) AS held (
        order_id uuid, rule text, step text, version integer, held_by text,
        held_at timestamptz, until float8)
), noted AS (
    INSERT INTO holds (order_id, rule, step, version, held_by, held_at, until)
    SELECT order_id, rule, step, version, held_by, held_at, to_timestamp(until) FROM new
    ON CONFLICT DO NOTHING
)
UPDATE orders
SET deadline_at = greatest(deadline_at, to_timestamp(last.until) + make_interval(secs => %s))
FROM (SELECT order_id, max(until) AS until FROM new GROUP BY order_id) AS last
WHERE orders.id = last.order_id AND orders.closed_at IS NULL
"""

_decode = msgspec.json.Decoder(StepHeld).decode


def note(connection: Any, messages: Sequence[Message], patience: float) -> None:
    """`patience` is what an order has, in seconds, when its hold is over."""
    rows = [row for message in messages for row in _rows(message)]
    connection.execute(_NOTE, (sql.rows(rows), patience))


def _rows(message: Message) -> list[dict[str, Any]]:
    held = _decode(message.value)
    return [
        {
            "order_id": message.saga_id,
            "rule": rule,
            "step": held.step,
            "version": held.version,
            "held_by": message.source,
            "held_at": message.time,
            "until": held.until,
        }
        for rule in held.rules
    ]
