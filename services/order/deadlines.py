"""The order service's own deadline, for orders in choreography: nobody else would notice.

An expired order is asked about again and again, ever more slowly, until it is closed. Each time
`OrderExpired` makes the pivot's owner say again how it stands, which sets everything in motion
that was waiting for it. An order that only lacks its notification has its end told again.

No order expires while there may be holds from before its deadline that the order service has not
heard of: a held order is not lost, however long somebody takes to answer.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from services.kit.late import Late
from services.kit.message import Epoch, Event, Message, Mode, SagaId, compose
from services.kit.metrics import Metrics
from services.kit.postgres import PostgresDatabase
from services.kit.relay import Publisher
from services.kit.tracing import Tracing
from services.messages import OrderConfirmed, OrderExpired, OrderRejected
from services.order.heard import Heard

log = logging.getLogger(__name__)

EVERY_SECONDS = 0.5
AT_ONCE = 200
STUCK_NUDGES = 5
LONGEST_WAIT_SECONDS = 300

_DUE = """
SELECT EXISTS (
    SELECT FROM orders
    WHERE closed_at IS NULL AND mode = 'choreography' AND deadline_at <= now()
), extract(epoch FROM clock_timestamp())::float8
"""

_CLAIM = """
UPDATE orders
SET nudges = nudges + 1,
    deadline_at = clock_timestamp()
        + make_interval(secs => least(%(wait)s * 2 ^ least(nudges, 16), %(longest)s))
WHERE id IN (
    SELECT id FROM orders
    WHERE closed_at IS NULL AND mode = 'choreography' AND deadline_at <= to_timestamp(%(heard)s)
    ORDER BY deadline_at
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
)
RETURNING id, customer_id, status, reason, mode, epoch, nudges, traceparent
"""

# Whoever a rule holds is neither late nor stuck: its age begins when the hold is over.
_COUNT = """
SELECT mode, epoch, count(*),
    greatest(extract(epoch FROM clock_timestamp() - min(since)), 0)::float8,
    count(*) FILTER (WHERE nudges >= %s AND since <= clock_timestamp())
FROM orders, LATERAL (
    SELECT greatest(placed_at, max(least(answered_at, until, ended_at))) AS since
    FROM holds WHERE order_id = id
) AS under_way
WHERE closed_at IS NULL GROUP BY mode, epoch
"""


class Deadlines:
    """A duty: claim what is due, tell of it in the same transaction."""

    def __init__(
        self,
        database: PostgresDatabase,
        publisher: Publisher,
        tracing: Tracing,
        wait: float,
        metrics: Metrics,
        holds: Heard,
    ) -> None:
        self._database = database
        self._publisher = publisher
        self._tracing = tracing
        self._wait = wait
        self._holds = holds
        self._passed = metrics.deadlines_passed.labels(Mode.CHOREOGRAPHY.value, "order")
        for mode in Mode:  # before the first, which would be no increase of nothing
            metrics.ended.labels(mode.value, "rejected", "timed_out")

    def run(self) -> float:
        row: Any = self._database.connection().execute(_DUE).fetchone()
        are_due, now = row
        heard = self._holds.until(now) if are_due else None
        if heard is not None:
            self._expire(heard)
        return EVERY_SECONDS

    def _expire(self, heard: float) -> None:
        """`heard` is until when every hold is known that was told."""
        values = {"wait": self._wait, "longest": LONGEST_WAIT_SECONDS, "limit": AT_ONCE}
        values["heard"] = heard
        late, waited = Late(self._tracing), self._database.waited
        with self._database.transaction() as session:
            due = session.connection.execute(_CLAIM, values).fetchall()
            for message in map(nudge, due):
                late.say([message], message.traceparent)
            session.send(late.records)
            self._tracing.note(late.noted)
        waited = max(self._database.waited - waited, 0.0)
        self._publisher.publish(session.sent)
        self._passed.inc(len(due))
        late.tell(waited)
        if due:
            log.info("%d orders passed their deadline", len(due))


def nudge(row: Sequence[Any]) -> Message:
    """A new attempt, so that nobody mistakes it for what was said before."""
    order, customer, status, reason, mode, epoch, nudges, traceparent = row
    return compose(
        _said_again(SagaId(order), customer, status, reason),
        source="order",
        mode=Mode(mode),
        epoch=Epoch(epoch),
        attempt=nudges + 1,
        traceparent=traceparent,
    )


def _said_again(order_id: SagaId, customer: str, status: str, reason: str | None) -> Event:
    if status == "confirmed":
        return OrderConfirmed(order_id=order_id, customer_id=customer)
    if status == "rejected":
        why = reason or "unknown"
        return OrderRejected(order_id=order_id, customer_id=customer, reason=why)
    return OrderExpired(order_id=order_id)


def count_open(database: PostgresDatabase, metrics: Metrics) -> float:
    """Open orders by mode and epoch; of those that no rule holds, the age of the oldest and how
    many make no progress."""
    rows = database.connection().execute(_COUNT, (STUCK_NUDGES,)).fetchall()
    metrics.open_sagas.clear()
    ages, stuck = dict.fromkeys(Mode, 0.0), dict.fromkeys(Mode, 0)
    for mode, epoch, orders, age, nudged in rows:
        metrics.open_sagas.labels(mode, str(epoch)).set(orders)
        ages[Mode(mode)] = max(ages[Mode(mode)], age)
        stuck[Mode(mode)] += nudged
    for mode in Mode:
        metrics.oldest_saga.labels(mode.value).set(ages[mode])
        metrics.stuck_sagas.labels(mode.value).set(stuck[mode])
    return 1.0
