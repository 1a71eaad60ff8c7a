"""Payments in PostgreSQL, a batch at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from services.kit.message import Command, SagaId
from services.kit.participant import Answers
from services.payment.model import Payment, Payments, Status

_LOAD = """
SELECT order_id, status, amount_cents, currency, card, reason
FROM payments WHERE order_id = ANY(%s::uuid[])
ORDER BY order_id FOR UPDATE
"""

_INSERT = """
INSERT INTO payments (order_id, status, amount_cents, currency, card, reason)
SELECT * FROM unnest(%s::uuid[], %s::text[], %s::bigint[], %s::text[], %s::text[], %s::text[])
"""

_UPDATE = """
UPDATE payments
SET status = new.status, reason = new.reason, changed_at = now()
FROM unnest(%s::uuid[], %s::text[], %s::text[]) AS new (order_id, status, reason)
WHERE payments.order_id = new.order_id
"""

_LEDGER = """
INSERT INTO ledger (order_id, entry, amount_cents)
SELECT * FROM unnest(%s::uuid[], %s::text[], %s::bigint[])
"""


class Loaded(Payments):
    """`Payments` that remember how they were found."""

    known: dict[SagaId, Payment]


class PaymentRepository:
    def load(self, connection: Any, commands: Sequence[Command], answers: Answers) -> Loaded:
        orders = sorted({command.order_id for command in commands})
        rows = connection.execute(_LOAD, (orders,))
        found = {
            SagaId(order): Payment(SagaId(order), Status(status), *rest)
            for order, status, *rest in rows
        }
        payments = Loaded(answers, found)
        payments.known = dict(found)
        return payments

    def save(self, connection: Any, payments: Loaded) -> None:
        now = payments.payments
        new = [now[order] for order in now if order not in payments.known]
        changed = [now[order] for order, was in payments.known.items() if now[order] is not was]
        if new:
            connection.execute(
                _INSERT,
                (
                    [payment.order_id for payment in new],
                    [str(payment.status) for payment in new],
                    [payment.amount_cents for payment in new],
                    [payment.currency for payment in new],
                    [payment.card for payment in new],
                    [payment.reason for payment in new],
                ),
            )
        if changed:
            connection.execute(
                _UPDATE,
                (
                    [payment.order_id for payment in changed],
                    [str(payment.status) for payment in changed],
                    [payment.reason for payment in changed],
                ),
            )
        if payments.entries:
            _enter(connection, payments)


def _enter(connection: Any, payments: Payments) -> None:
    connection.execute(
        _LEDGER,
        (
            [entry.order_id for entry in payments.entries],
            [str(entry.entry) for entry in payments.entries],
            [entry.amount_cents for entry in payments.entries],
        ),
    )
