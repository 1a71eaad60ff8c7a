"""What a service has in hand when it is killed: message types, by mode and by direction.

Forward leads to a confirmed order, backward to a rejected one. A customer is told in both cases by
the same types, so there the load decides: in a backward one every order is doomed or cancelled.
"""

from collections.abc import Mapping
from enum import StrEnum

from services.kit.message import Mode


class Direction(StrEnum):
    FORWARD = "forward"
    BACKWARD = "backward"


Key = tuple[str, Mode, Direction]
Kinds = Mapping[Key, frozenset[str]]

ORCHESTRATION, CHOREOGRAPHY = Mode.ORCHESTRATION, Mode.CHOREOGRAPHY
FORWARD, BACKWARD = Direction.FORWARD, Direction.BACKWARD


def _kinds(table: Mapping[Key, str]) -> Kinds:
    return {key: frozenset(kinds.split()) for key, kinds in table.items()}


HEARD = _kinds(
    {
        ("order", ORCHESTRATION, FORWARD): "ConfirmOrder",
        ("order", ORCHESTRATION, BACKWARD): "RejectOrder",
        ("order", CHOREOGRAPHY, FORWARD): "PaymentCaptured StockShipped",
        ("order", CHOREOGRAPHY, BACKWARD): (
            "StockRejected StockReleased PaymentDeclined PaymentVoided"
        ),
        ("inventory", ORCHESTRATION, FORWARD): "ReserveStock ShipStock",
        ("inventory", ORCHESTRATION, BACKWARD): "ReleaseStock",
        ("inventory", CHOREOGRAPHY, FORWARD): "OrderPlaced ShipmentArranged",
        ("inventory", CHOREOGRAPHY, BACKWARD): (
            "PaymentDeclined ShipmentRefused ShipmentCancelled"
        ),
        ("payment", ORCHESTRATION, FORWARD): "AuthorizePayment CapturePayment",
        ("payment", ORCHESTRATION, BACKWARD): "VoidPayment",
        ("payment", CHOREOGRAPHY, FORWARD): "OrderPlaced ShipmentArranged",
        ("payment", CHOREOGRAPHY, BACKWARD): "StockRejected ShipmentRefused ShipmentCancelled",
        ("shipping", ORCHESTRATION, FORWARD): "ArrangeShipment",
        ("shipping", ORCHESTRATION, BACKWARD): "CancelShipment",
        ("shipping", CHOREOGRAPHY, FORWARD): "OrderPlaced StockReserved PaymentAuthorized",
        ("shipping", CHOREOGRAPHY, BACKWARD): "OrderCancelRequested",
        ("notification", ORCHESTRATION, FORWARD): "NotifyCustomer",
        ("notification", ORCHESTRATION, BACKWARD): "NotifyCustomer",
        ("notification", CHOREOGRAPHY, FORWARD): "OrderConfirmed",
        ("notification", CHOREOGRAPHY, BACKWARD): "OrderRejected",
        ("orchestrator", ORCHESTRATION, FORWARD): (
            "OrderPlaced StockReserved PaymentAuthorized ShipmentArranged PaymentCaptured"
            " StockShipped OrderConfirmed"
        ),
        ("orchestrator", ORCHESTRATION, BACKWARD): (
            "StockRejected PaymentDeclined ShipmentRefused OrderCancelRequested ShipmentCancelled"
            " StockReleased PaymentVoided OrderRejected"
        ),
    }
)

_TOLD = {
    ("order", FORWARD): "OrderPlaced OrderConfirmed",
    ("order", BACKWARD): "OrderCancelRequested OrderRejected",
    ("inventory", FORWARD): "StockReserved StockShipped",
    ("inventory", BACKWARD): "StockRejected StockReleased",
    ("payment", FORWARD): "PaymentAuthorized PaymentCaptured",
    ("payment", BACKWARD): "PaymentDeclined PaymentVoided",
    ("shipping", FORWARD): "ShipmentArranged",
    ("shipping", BACKWARD): "ShipmentRefused ShipmentCancelled",
    ("notification", FORWARD): "CustomerNotified",
    ("notification", BACKWARD): "CustomerNotified",
}

TOLD = _kinds(
    {
        **{(who, mode, way): kinds for (who, way), kinds in _TOLD.items() for mode in Mode},
        ("orchestrator", ORCHESTRATION, FORWARD): (
            "ReserveStock AuthorizePayment ArrangeShipment CapturePayment ShipStock ConfirmOrder"
        ),
        ("orchestrator", ORCHESTRATION, BACKWARD): (
            "ReleaseStock VoidPayment CancelShipment RejectOrder"
        ),
    }
)

UNDOING = {
    key: HEARD[key]
    for key in HEARD
    if key[2] is BACKWARD and key[0] in ("inventory", "payment", "shipping")
}

CLAIMED = _kinds(
    {
        ("orchestrator", ORCHESTRATION, FORWARD): "running",
        ("orchestrator", ORCHESTRATION, BACKWARD): "compensating",
    }
)

SWITCHED = _kinds({("order", mode, way): mode.value for mode in Mode for way in Direction})
