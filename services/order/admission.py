"""Admission: the transaction that accepts an order, pins its mode and epoch, and tells of it.

All that wait are admitted in one, and the shared advisory lock is the barrier against switches.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from services.kit import sql
from services.kit.message import Epoch, Message, Mode, SagaId, compose
from services.kit.postgres import PostgresDatabase
from services.kit.problems import Problem
from services.kit.session import OutboxRow, Session
from services.kit.span import Told
from services.kit.trace_context import with_saga
from services.kit.tracing import Root, Tracing
from services.kit.wire import Record, to_record
from services.messages import OrderPlaced
from services.order.model import Route

ROUTE_LOCK = 0x62616E64

LOCK_SHARED = f"SELECT pg_advisory_xact_lock_shared({ROUTE_LOCK})"
LOCK_EXCLUSIVE = f"SELECT pg_advisory_xact_lock({ROUTE_LOCK})"
ROUTE = "SELECT mode, weight, epoch FROM route"

# In the order of the keys, so that two replicas that are sent the same ones never deadlock.
_INSERT = """
INSERT INTO orders (id, customer_id, items, total_cents, currency, card, ship_to, mode, epoch,
    deadline_at, idempotency_key, request_hash, traceparent, parent_span)
SELECT id, customer_id, items, total_cents, currency, card, ship_to, mode, epoch,
    clock_timestamp() + make_interval(secs => %s),
    idempotency_key, decode(request_hash, 'base64'), traceparent, parent_span
FROM json_to_recordset(%s) AS new (
    id uuid, customer_id text, items jsonb, total_cents bigint, currency text, card text,
    ship_to jsonb, mode text, epoch integer, idempotency_key text, request_hash text,
    traceparent text, parent_span text)
ORDER BY idempotency_key
ON CONFLICT (idempotency_key) DO NOTHING
RETURNING id, extract(epoch FROM placed_at)::float8
"""

_EARLIER = """
SELECT idempotency_key, id, mode, epoch, total_cents, request_hash
FROM orders WHERE idempotency_key = ANY(%s)
"""


@dataclass(frozen=True)
class Admitted:
    """The answer to a customer; the same for the same idempotency key."""

    order_id: SagaId
    mode: Mode
    epoch: Epoch
    total_cents: int


@dataclass(frozen=True)
class Application:
    """A priced order that waits for admission."""

    placed: OrderPlaced
    request_hash: bytes
    idempotency_key: str | None
    traceparent: str | None
    baggage: str | None = None
    answer: Future[Admitted] = field(default_factory=Future, compare=False)

    @property
    def order_id(self) -> SagaId:
        return self.placed.order_id

    def is_waited_for(self) -> bool:
        """Asked once. Who is gone by then wants no order; who goes later has one, and is told of
        it in vain."""
        return self.answer.set_running_or_notify_cancel()


class Admission:
    """One transaction's worth of applications."""

    def __init__(
        self, database: PostgresDatabase, tracing: Tracing, deadline_seconds: float
    ) -> None:
        self._database = database
        self._tracing = tracing
        self._deadline_seconds = deadline_seconds
        self._admitted: dict[SagaId, Admitted] = {}
        self._earlier: dict[str, tuple[Admitted, bytes]] = {}
        self._spans: list[Told] = []
        self._waited = self._committed_at = 0.0

    @property
    def fresh(self) -> list[Admitted]:
        return list(self._admitted.values())

    def commit(self, applications: Sequence[Application]) -> list[OutboxRow]:
        with self._database.transaction() as session:
            session.connection.execute(LOCK_SHARED)
            route = read_route(session.connection)
            session.send(self._insert(session, applications, route))
        self._waited = max(self._database.waited - self._waited, 0.0)
        self._committed_at = time.time()
        return session.sent

    def trace(self) -> None:
        """A span begins with its order's row, and so do the seconds waited for the database."""
        size, ended = len(self._admitted), self._committed_at
        self._tracing.tell([span.in_batch(ended, self._waited, size) for span in self._spans])

    def answer(self, applications: Sequence[Application]) -> None:
        for application in applications:
            admitted = self._admitted.get(application.order_id)
            if admitted is not None:
                application.answer.set_result(admitted)
                continue
            earlier, request_hash = self._earlier[application.idempotency_key or ""]
            if request_hash == application.request_hash:
                application.answer.set_result(earlier)
            else:
                application.answer.set_exception(_reused())

    def _insert(
        self, session: Session, applications: Sequence[Application], route: Route
    ) -> list[Record]:
        roots = [self._tracing.admit(one.traceparent) for one in applications]
        modes = [route.choose(one.order_id) for one in applications]
        batch = sql.rows(
            _row(one, mode, route.epoch, root)
            for one, mode, root in zip(applications, modes, roots, strict=True)
        )
        rows = session.connection.execute(_INSERT, (self._deadline_seconds, batch))
        inserted = dict(rows)
        self._waited = self._database.waited
        records = []
        for one, mode, root in zip(applications, modes, roots, strict=True):
            if one.order_id in inserted:
                order = one.placed
                admitted = Admitted(order.order_id, mode, route.epoch, order.amount_cents)
                self._admitted[order.order_id] = admitted
                message = _placed(one, mode, route.epoch, root)
                records.append(told(self._tracing, message))
                placed_at = inserted[one.order_id]
                self._spans += self._tracing.admitted(message, root.traceparent, placed_at)
        self._find_earlier(session, applications, set(inserted))
        return records

    def _find_earlier(
        self, session: Session, applications: Sequence[Application], inserted: set[str]
    ) -> None:
        keys = [one.idempotency_key for one in applications if one.order_id not in inserted]
        if keys:
            for key, order_id, mode, epoch, total, found in session.connection.execute(
                _EARLIER, (keys,)
            ):
                admitted = Admitted(order_id, Mode(mode), epoch, total)
                self._earlier[key] = (admitted, bytes(found))


def _row(one: Application, mode: Mode, epoch: Epoch, root: Root) -> dict[str, Any]:
    order = one.placed
    return {
        "id": order.order_id,
        "customer_id": order.customer_id,
        "items": order.items,
        "total_cents": order.amount_cents,
        "currency": order.currency,
        "card": order.card,
        "ship_to": order.ship_to,
        "mode": mode,
        "epoch": epoch,
        "idempotency_key": one.idempotency_key,
        "request_hash": one.request_hash,
        "traceparent": root.traceparent,
        "parent_span": root.parent_span,
    }


def _placed(one: Application, mode: Mode, epoch: Epoch, root: Root) -> Message:
    return compose(
        one.placed,
        source="order",
        mode=mode,
        epoch=epoch,
        traceparent=root.traceparent,
        baggage=with_saga(one.baggage, one.order_id, mode),
    )


def told(tracing: Tracing, message: Message) -> Record:
    """A message's record, sent straight from the saga's root span."""
    context = tracing.sending(message.id, message.traceparent)
    return to_record(message.within(context), message.traceparent)


def read_route(connection: Any) -> Route:
    mode, weight, epoch = connection.execute(ROUTE).fetchone()
    return Route(Mode(mode), weight, Epoch(epoch))


def _reused() -> Problem:
    detail = "this Idempotency-Key came with another body before"
    return Problem(422, "idempotency-key-reused", detail)
