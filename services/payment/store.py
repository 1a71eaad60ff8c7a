"""Payments in PostgreSQL, a batch at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from services.kit import sql
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
SELECT * FROM json_to_recordset(%s) AS new (
    order_id uuid, status text, amount_cents bigint, currency text, card text, reason text)
"""

_UPDATE = """
UPDATE payments
SET status = new.status, reason = new.reason, changed_at = now()
FROM json_to_recordset(%s) AS new (order_id uuid, status text, reason text)
WHERE payments.order_id = new.order_id
"""

_LEDGER = """
INSERT INTO ledger (order_id, entry, amount_cents)
SELECT * FROM json_to_recordset(%s) AS new (order_id uuid, entry text, amount_cents bigint)
"""


class Loaded(Payments):
    """`Payments` that remember how they were found."""

    known: dict[SagaId, Payment]


class PaymentRepository:
    def load(self, connection: Any, commands: Sequence[Command], answers: Answers) -> Loaded:
        orders = sorted({command.order_id for command in commands})
        rows = connection.execute(_LOAD, (sql.ids(orders),))
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
            connection.later(_INSERT, sql.rows(map(vars, new)))
        if changed:
            connection.later(_UPDATE, sql.rows(map(vars, changed)))
        if payments.entries:
            connection.later(_LEDGER, sql.rows(map(vars, payments.entries)))
