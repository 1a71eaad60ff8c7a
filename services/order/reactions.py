"""The jazz band, the order service's part: what it does when it hears the others.

Two joins: nobody else knows when everything is done, or when everything is undone.
"""

from __future__ import annotations

from services.kit.handling import reacts_to_all
from services.messages import (
    ConfirmOrder,
    PaymentCaptured,
    PaymentDeclined,
    PaymentSettled,
    RejectOrder,
    StockRejected,
    StockSettled,
    StockShipped,
)


@reacts_to_all(PaymentCaptured, StockShipped)
def on_everything_done(payment: PaymentCaptured, _stock: StockShipped) -> ConfirmOrder:
    return ConfirmOrder(order_id=payment.order_id)


@reacts_to_all(StockSettled, PaymentSettled)
def on_everything_undone(stock: StockSettled, payment: PaymentSettled) -> RejectOrder:
    """The reason is that of whoever failed; what was undone repeats the reason it was given."""
    failed = payment if isinstance(payment, PaymentDeclined) else stock
    reason = stock.reason if isinstance(stock, StockRejected) else failed.reason
    return RejectOrder(order_id=stock.order_id, reason=reason)
