"""One realistic message of each type, as it is on its topic."""

from __future__ import annotations

import json
from typing import Any, Final

import msgspec

from services.kit import wire
from services.kit.message import Body, Command, Epoch, Mode, SagaId, compose
from services.messages import (
    Address,
    ArrangeShipment,
    AuthorizePayment,
    CancelShipment,
    CapturePayment,
    ConfirmOrder,
    CustomerNotified,
    HoldApproved,
    HoldDeclined,
    Item,
    NotifyCustomer,
    OrderCancelRequested,
    OrderConfirmed,
    OrderExpired,
    OrderPlaced,
    OrderRejected,
    PaymentAuthorized,
    PaymentCaptured,
    PaymentDeclined,
    PaymentVoided,
    RejectOrder,
    ReleaseStock,
    ReserveStock,
    ShipmentArranged,
    ShipmentCancelled,
    ShipmentRefused,
    ShipStock,
    StepHeld,
    StockRejected,
    StockReleased,
    StockReserved,
    StockShipped,
    VoidPayment,
)

ORDER: Final = SagaId("3f0e1c52-9d1b-4c77-a6b5-2f4a8f6d7c10")
CUSTOMER: Final = "c-0017"
SENT_AT: Final = "2026-11-23T09:30:00.000000+00:00"
TRACEPARENT: Final = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
SENDERS: Final = {
    "orders": "order",
    "inventory": "inventory",
    "payments": "payment",
    "shipping": "shipping",
    "notifications": "notification",
    "holds": "payment",
}

_ITEMS = (Item("guitar", 1), Item("trumpet", 2))
_CENTS = 123_900
_BERLIN = Address("Ella", "DE", "Berlin", "10115")

BODIES: Final[tuple[Body, ...]] = (
    OrderPlaced(
        order_id=ORDER,
        customer_id=CUSTOMER,
        items=_ITEMS,
        amount_cents=_CENTS,
        currency="EUR",
        card="tok-visa",
        ship_to=_BERLIN,
    ),
    OrderCancelRequested(order_id=ORDER),
    OrderExpired(order_id=ORDER),
    HoldApproved(order_id=ORDER, rules=("big-orders-need-a-look",)),
    HoldDeclined(order_id=ORDER, rules=("big-orders-need-a-look",)),
    OrderConfirmed(order_id=ORDER, customer_id=CUSTOMER),
    OrderRejected(order_id=ORDER, customer_id=CUSTOMER, reason="card_declined"),
    StockReserved(order_id=ORDER),
    StockRejected(order_id=ORDER, reason="out_of_stock"),
    StockReleased(order_id=ORDER, reason="card_declined"),
    StockShipped(order_id=ORDER),
    PaymentAuthorized(order_id=ORDER, amount_cents=_CENTS),
    PaymentDeclined(order_id=ORDER, reason="card_declined"),
    PaymentVoided(order_id=ORDER, reason="out_of_stock"),
    PaymentCaptured(order_id=ORDER, amount_cents=_CENTS),
    ShipmentArranged(order_id=ORDER, tracking="BAND-3F0E1C52"),
    ShipmentRefused(order_id=ORDER, reason="not_serviceable"),
    ShipmentCancelled(order_id=ORDER, reason="cancelled"),
    CustomerNotified(order_id=ORDER, outcome="confirmed"),
    StepHeld(
        order_id=ORDER,
        step="AuthorizePayment",
        rules=("big-orders-need-a-look",),
        version=3,
        until=1_795_433_400.0,
    ),
    ReserveStock(order_id=ORDER, items=_ITEMS),
    ReleaseStock(order_id=ORDER, reason="card_declined"),
    ShipStock(order_id=ORDER),
    AuthorizePayment(
        order_id=ORDER,
        customer_id=CUSTOMER,
        amount_cents=_CENTS,
        currency="EUR",
        card="tok-visa",
    ),
    VoidPayment(order_id=ORDER, reason="out_of_stock"),
    CapturePayment(order_id=ORDER),
    ArrangeShipment(order_id=ORDER, ship_to=_BERLIN),
    CancelShipment(order_id=ORDER, reason="timed_out"),
    ConfirmOrder(order_id=ORDER),
    RejectOrder(order_id=ORDER, reason="card_declined"),
    NotifyCustomer(
        order_id=ORDER, customer_id=CUSTOMER, outcome="rejected", reason="card_declined"
    ),
)


def example(body: Body) -> dict[str, Any]:
    """Its headers and payload, made by the code that sends real ones."""
    source = "orchestrator" if isinstance(body, Command) else SENDERS[body.channel]
    message = compose(
        body,
        source=source,
        mode=Mode.ORCHESTRATION,
        epoch=Epoch(1),
        traceparent=TRACEPARENT,
    )
    headers = wire.to_headers(msgspec.structs.replace(message, time=SENT_AT))
    return {
        "name": type(body).__name__,
        "headers": {name: value.decode() for name, value in headers},
        "payload": json.loads(message.value),
    }
