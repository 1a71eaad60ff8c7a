"""The jazz band, notification's part: what it does when it hears the others."""

from __future__ import annotations

from services.kit.handling import reacts_to
from services.messages import NotifyCustomer, OrderConfirmed, OrderRejected


@reacts_to(OrderConfirmed)
def on_order_confirmed(event: OrderConfirmed) -> NotifyCustomer:
    return NotifyCustomer(
        order_id=event.order_id, customer_id=event.customer_id, outcome="confirmed"
    )


@reacts_to(OrderRejected)
def on_order_rejected(event: OrderRejected) -> NotifyCustomer:
    return NotifyCustomer(
        order_id=event.order_id,
        customer_id=event.customer_id,
        outcome="rejected",
        reason=event.reason,
    )
