"""Orders that a rule holds: listed, and answered by a person, once."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from services.kit.message import Epoch, Mode, SagaId, compose
from services.kit.pool import Pool
from services.kit.postgres import transaction
from services.kit.problems import Problem
from services.kit.relay import Publisher
from services.kit.tracing import Tracing
from services.messages import HoldApproved, HoldDeclined
from services.order.admission import told
from services.order.queries import unknown

Answer = Literal["approved", "declined"]
EVENTS = {"approved": HoldApproved, "declined": HoldDeclined}

_LOCK = "SELECT status, mode, epoch, traceparent FROM orders WHERE id = %s FOR UPDATE"

_OPEN = """
SELECT rule FROM holds
WHERE order_id = %s AND answer IS NULL AND until > clock_timestamp() ORDER BY rule
"""

_ANSWERED = """
SELECT count(DISTINCT answered_at) FROM holds WHERE order_id = %s AND answer IS NOT NULL
"""

_ANSWER = """
UPDATE holds SET answer = %s, answered_at = clock_timestamp()
WHERE order_id = %s AND rule = ANY(%s)
"""

_GO_ON = """
UPDATE orders SET deadline_at = clock_timestamp() + make_interval(secs => %s) WHERE id = %s
"""

_LIST = """
SELECT order_id, rule, step, version, held_by, held_at, until FROM holds
JOIN orders ON orders.id = order_id
WHERE answer IS NULL AND until > clock_timestamp() AND status = 'pending' ORDER BY held_at LIMIT %s
"""


def answer(
    pool: Pool,
    publisher: Publisher,
    tracing: Tracing,
    patience: float,
    order_id: UUID,
    said: Answer,
) -> None:
    """Everything that holds this order now is answered; what holds it later is asked again. From
    here it has as long, `patience` in seconds, as one that has just been placed."""
    order = SagaId(str(order_id))
    with pool.connection() as connection, transaction(connection) as session:
        row: Any = session.execute(_LOCK, (order,)).fetchone()
        if row is None:
            raise unknown(order_id)
        status, mode, epoch, traceparent = row
        if status != "pending":
            raise Problem(409, "already-ended", f"the order is {status} already")
        rules = tuple(rule for (rule,) in session.execute(_OPEN, (order,)))
        if not rules:
            raise Problem(409, "not-held", "no rule waits for an answer about this order")
        before: Any = session.execute(_ANSWERED, (order,)).fetchone()
        session.later(_ANSWER, said, order, list(rules))
        session.later(_GO_ON, patience, order)
        message = compose(
            EVENTS[said](order_id=order, rules=rules),
            source="order",
            mode=Mode(mode),
            epoch=Epoch(epoch),
            attempt=before[0] + 1,
            traceparent=traceparent,
        )
        earlier = session.unsent([order])
        session.send([told(tracing, message)])
    publisher.publish([*earlier, *session.sent])


def open_holds(pool: Pool, limit: int) -> list[dict[str, Any]]:
    with pool.connection() as connection:
        rows: list[Any] = connection.execute(_LIST, (limit,)).fetchall()
    names = ("order_id", "rule", "step", "version", "held_by", "held_at", "until")
    return [dict(zip(names, row, strict=True)) for row in rows]
