"""Notifications: pure rules, no I/O. A customer hears of an order's end once."""

from __future__ import annotations

from dataclasses import dataclass, field

from services.kit.message import SagaId
from services.messages import NotifyCustomer, Outcome


@dataclass(frozen=True)
class Notification:
    order_id: SagaId
    customer_id: str
    kind: Outcome
    message: str


@dataclass
class Mailbox:
    """The orders that a batch is about: who was told what, and what is told now."""

    told: dict[SagaId, Outcome] = field(default_factory=dict)
    sent: list[Notification] = field(default_factory=list)

    def tell(self, command: NotifyCustomer) -> None:
        note = Notification(command.order_id, command.customer_id, command.outcome, text(command))
        self.told[command.order_id] = command.outcome
        self.sent.append(note)


def text(command: NotifyCustomer) -> str:
    if command.outcome == "confirmed":
        return f"Your order {command.order_id} is confirmed and on its way."
    why = (command.reason or "unknown").replace("_", " ")
    return f"Your order {command.order_id} was rejected: {why}."
