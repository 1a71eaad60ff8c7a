"""The jazz band, shipping's part: what it does when it hears the others."""

from __future__ import annotations

from services.kit.handling import reacts_to, reacts_to_all
from services.messages import (
    ArrangeShipment,
    CancelShipment,
    OrderCancelRequested,
    OrderExpired,
    OrderPlaced,
    PaymentAuthorized,
    StockReserved,
)


@reacts_to_all(OrderPlaced, StockReserved, PaymentAuthorized)
def on_everything_ready(
    order: OrderPlaced, _stock: StockReserved, _payment: PaymentAuthorized
) -> ArrangeShipment:
    """The join, and the memory it takes: the address was in an event heard long before."""
    return ArrangeShipment(order_id=order.order_id, ship_to=order.ship_to)


@reacts_to(OrderCancelRequested)
def on_cancel_requested(event: OrderCancelRequested) -> CancelShipment:
    return CancelShipment(order_id=event.order_id, reason="cancelled")


@reacts_to(OrderExpired)
def on_order_expired(event: OrderExpired) -> CancelShipment:
    return CancelShipment(order_id=event.order_id, reason="timed_out")
