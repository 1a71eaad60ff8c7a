"""Payments and their ledger: pure rules, no I/O.

What was authorized is later captured or voided, in full and once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from services.kit.message import SagaId
from services.messages import AuthorizePayment


class Status(StrEnum):
    AUTHORIZED = "authorized"
    DECLINED = "declined"
    VOIDED = "voided"
    CAPTURED = "captured"


@dataclass(frozen=True)
class CardAnswer:
    """The card network's word on one authorization; `declined` says why not."""

    declined: str | None = None


@dataclass(frozen=True)
class Payment:
    order_id: SagaId
    status: Status
    amount_cents: int = 0
    currency: str = ""
    card: str = ""
    reason: str | None = None


@dataclass(frozen=True)
class Entry:
    order_id: SagaId
    entry: Status
    amount_cents: int


@dataclass
class Payments:
    """The payments that a batch is about; `entries` is what it adds to the ledger."""

    answers: Mapping[SagaId, CardAnswer] = field(default_factory=dict)
    payments: dict[SagaId, Payment] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)

    def authorize(self, command: AuthorizePayment) -> None:
        self._open(command, Status.AUTHORIZED)
        self._enter(self.payments[command.order_id])

    def decline(self, command: AuthorizePayment, reason: str) -> None:
        self._open(command, Status.DECLINED, reason)

    def void(self, order_id: SagaId, reason: str) -> None:
        """Give the money free; with none held, see to it that none will be."""
        held = self.payments.get(order_id)
        if held is None:
            self.payments[order_id] = Payment(order_id, Status.VOIDED, reason=reason)
            return
        self._change(held, Status.VOIDED, reason)

    def capture(self, order_id: SagaId) -> None:
        self._change(self.payments[order_id], Status.CAPTURED)

    def _open(self, command: AuthorizePayment, status: Status, reason: str | None = None) -> None:
        self.payments[command.order_id] = Payment(
            command.order_id, status, command.amount_cents, command.currency, command.card, reason
        )

    def _change(self, held: Payment, status: Status, reason: str | None = None) -> None:
        changed = Payment(
            held.order_id, status, held.amount_cents, held.currency, held.card, reason
        )
        self.payments[held.order_id] = changed
        self._enter(changed)

    def _enter(self, payment: Payment) -> None:
        self.entries.append(Entry(payment.order_id, payment.status, payment.amount_cents))
