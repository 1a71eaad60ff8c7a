"""The jazz band, payment's part: what it does when it hears the others."""

from __future__ import annotations

from services.kit.handling import reacts_to
from services.messages import (
    AuthorizePayment,
    CapturePayment,
    OrderPlaced,
    ShipmentArranged,
    ShipmentCancelled,
    ShipmentNotMade,
    ShipmentRefused,
    StockRejected,
    VoidPayment,
)


@reacts_to(OrderPlaced)
def on_order_placed(event: OrderPlaced) -> AuthorizePayment:
    return AuthorizePayment(
        order_id=event.order_id,
        customer_id=event.customer_id,
        amount_cents=event.amount_cents,
        currency=event.currency,
        card=event.card,
    )


@reacts_to(ShipmentArranged)
def on_shipment_arranged(event: ShipmentArranged) -> CapturePayment:
    return CapturePayment(order_id=event.order_id)


@reacts_to(StockRejected, ShipmentRefused, ShipmentCancelled)
def on_failure_elsewhere(event: StockRejected | ShipmentNotMade) -> VoidPayment:
    return VoidPayment(order_id=event.order_id, reason=event.reason)
