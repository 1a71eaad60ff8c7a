"""The jazz band, inventory's part: what it does when it hears the others."""

from __future__ import annotations

from services.kit.handling import reacts_to
from services.messages import (
    OrderPlaced,
    PaymentDeclined,
    ReleaseStock,
    ReserveStock,
    ShipmentArranged,
    ShipmentCancelled,
    ShipmentNotMade,
    ShipmentRefused,
    ShipStock,
)


@reacts_to(OrderPlaced)
def on_order_placed(event: OrderPlaced) -> ReserveStock:
    return ReserveStock(order_id=event.order_id, items=event.items)


@reacts_to(ShipmentArranged)
def on_shipment_arranged(event: ShipmentArranged) -> ShipStock:
    return ShipStock(order_id=event.order_id)


@reacts_to(PaymentDeclined, ShipmentRefused, ShipmentCancelled)
def on_failure_elsewhere(event: PaymentDeclined | ShipmentNotMade) -> ReleaseStock:
    return ReleaseStock(order_id=event.order_id, reason=event.reason)
