"""What shipping does when told to, whoever tells it. A settled outcome stands.

This is the saga's pivot: arranged and cancelled exclude each other for good.
"""

from __future__ import annotations

from services.kit.handling import handles, refuses
from services.kit.message import SagaId
from services.messages import (
    ArrangeShipment,
    CancelShipment,
    ShipmentArranged,
    ShipmentCancelled,
    ShipmentNotMade,
    ShipmentRefused,
)
from services.shipping.model import Shipments, Status


@handles(ArrangeShipment)
def arrange_shipment(
    command: ArrangeShipment, shipments: Shipments
) -> ShipmentArranged | ShipmentNotMade:
    """Book the carrier, unless this was settled before."""
    if command.order_id not in shipments.shipments:
        answer = shipments.answers[command.order_id]
        if answer.tracking is None:
            return refuse_shipment(command, shipments, answer.refused or "refused")
        shipments.arrange(command.order_id, answer.tracking)
    return _settled(command.order_id, shipments)


@refuses(ArrangeShipment)
def refuse_shipment(
    command: ArrangeShipment, shipments: Shipments, reason: str
) -> ShipmentArranged | ShipmentNotMade:
    if command.order_id not in shipments.shipments:
        shipments.close(command.order_id, Status.REFUSED, reason)
    return _settled(command.order_id, shipments)


@handles(CancelShipment)
def cancel_shipment(
    command: CancelShipment, shipments: Shipments
) -> ShipmentArranged | ShipmentNotMade:
    """Cancel what is not arranged yet; what is arranged stays so, and is said again."""
    if command.order_id not in shipments.shipments:
        shipments.close(command.order_id, Status.CANCELLED, command.reason)
    return _settled(command.order_id, shipments)


def _settled(order_id: SagaId, shipments: Shipments) -> ShipmentArranged | ShipmentNotMade:
    shipment = shipments.shipments[order_id]
    if shipment.status is Status.ARRANGED:
        return ShipmentArranged(order_id=order_id, tracking=shipment.tracking or "")
    reason = shipment.reason or str(shipment.status)
    if shipment.status is Status.REFUSED:
        return ShipmentRefused(order_id=order_id, reason=reason)
    return ShipmentCancelled(order_id=order_id, reason=reason)
