"""The order process's vocabulary: every command and event, with its owner.

The contract documents under `contracts/` are generated from these models.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Final, Literal

from msgspec import Meta, Struct

from services.kit.message import Body, Command, Event, Vocabulary

Sku = Annotated[str, Meta(min_length=1, max_length=64)]
Quantity = Annotated[int, Meta(ge=1, le=100)]
Cents = Annotated[int, Meta(ge=0)]
Reason = Annotated[str, Meta(min_length=1, max_length=64)]
Outcome = Literal["confirmed", "rejected"]


class Item(Struct, frozen=True):
    sku: Sku
    quantity: Quantity


class Address(Struct, frozen=True):
    name: str
    country: str
    city: str
    postcode: str


class OrderPlaced(Event, frozen=True, kw_only=True):
    """An order was admitted; mode and epoch in its headers hold for the whole saga."""

    channel: ClassVar[str] = "orders"
    customer_id: str
    items: tuple[Item, ...]
    amount_cents: Cents
    currency: str
    card: str
    ship_to: Address


class OrderCancelRequested(Event, frozen=True, kw_only=True):
    """The customer wants out; whether that still succeeds is decided at the pivot."""

    channel: ClassVar[str] = "orders"


class OrderExpired(Event, frozen=True, kw_only=True):
    """The order service's own deadline passed (choreography only: nobody else keeps one)."""

    channel: ClassVar[str] = "orders"


class HoldApproved(Event, frozen=True, kw_only=True):
    """Somebody said yes: the holds of these rules are over for this order."""

    channel: ClassVar[str] = "orders"
    rules: tuple[str, ...]


class HoldDeclined(Event, frozen=True, kw_only=True):
    """Somebody said no to what these rules hold."""

    channel: ClassVar[str] = "orders"
    rules: tuple[str, ...]


class OrderConfirmed(Event, frozen=True, kw_only=True):
    channel: ClassVar[str] = "orders"
    customer_id: str


class OrderRejected(Event, frozen=True, kw_only=True):
    channel: ClassVar[str] = "orders"
    customer_id: str
    reason: Reason


class StockReserved(Event, frozen=True, kw_only=True):
    channel: ClassVar[str] = "inventory"


class StockRejected(Event, frozen=True, kw_only=True):
    channel: ClassVar[str] = "inventory"
    reason: Reason


class StockReleased(Event, frozen=True, kw_only=True):
    channel: ClassVar[str] = "inventory"
    reason: Reason


class StockShipped(Event, frozen=True, kw_only=True):
    channel: ClassVar[str] = "inventory"


class PaymentAuthorized(Event, frozen=True, kw_only=True):
    channel: ClassVar[str] = "payments"
    amount_cents: Cents


class PaymentDeclined(Event, frozen=True, kw_only=True):
    channel: ClassVar[str] = "payments"
    reason: Reason


class PaymentVoided(Event, frozen=True, kw_only=True):
    channel: ClassVar[str] = "payments"
    reason: Reason


class PaymentCaptured(Event, frozen=True, kw_only=True):
    channel: ClassVar[str] = "payments"
    amount_cents: Cents


class ShipmentArranged(Event, frozen=True, kw_only=True):
    """The pivot: from here the saga only goes forward."""

    channel: ClassVar[str] = "shipping"
    tracking: str


class ShipmentRefused(Event, frozen=True, kw_only=True):
    channel: ClassVar[str] = "shipping"
    reason: Reason


class ShipmentCancelled(Event, frozen=True, kw_only=True):
    """No shipment was arranged, and none will be."""

    channel: ClassVar[str] = "shipping"
    reason: Reason


class CustomerNotified(Event, frozen=True, kw_only=True):
    channel: ClassVar[str] = "notifications"
    outcome: Outcome


class StepHeld(Event, frozen=True, kw_only=True):
    """A step waits for an answer until then (seconds since the epoch); told by whoever holds it."""

    channel: ClassVar[str] = "holds"
    step: str
    rules: tuple[str, ...]
    version: int
    until: float


class ReserveStock(Command, frozen=True, kw_only=True):
    channel: ClassVar[str] = "inventory"
    items: tuple[Item, ...]


class ReleaseStock(Command, frozen=True, kw_only=True):
    channel: ClassVar[str] = "inventory"
    compensates: ClassVar[bool] = True
    reason: Reason


class ShipStock(Command, frozen=True, kw_only=True):
    channel: ClassVar[str] = "inventory"


class AuthorizePayment(Command, frozen=True, kw_only=True):
    channel: ClassVar[str] = "payments"
    customer_id: str
    amount_cents: Cents
    currency: str
    card: str


class VoidPayment(Command, frozen=True, kw_only=True):
    channel: ClassVar[str] = "payments"
    compensates: ClassVar[bool] = True
    reason: Reason


class CapturePayment(Command, frozen=True, kw_only=True):
    channel: ClassVar[str] = "payments"


class ArrangeShipment(Command, frozen=True, kw_only=True):
    channel: ClassVar[str] = "shipping"
    ship_to: Address


class CancelShipment(Command, frozen=True, kw_only=True):
    """Settle the pivot: cancelled for good, or already arranged."""

    channel: ClassVar[str] = "shipping"
    compensates: ClassVar[bool] = True
    reason: Reason


class ConfirmOrder(Command, frozen=True, kw_only=True):
    channel: ClassVar[str] = "orders"


class RejectOrder(Command, frozen=True, kw_only=True):
    channel: ClassVar[str] = "orders"
    compensates: ClassVar[bool] = True
    reason: Reason


class NotifyCustomer(Command, frozen=True, kw_only=True):
    channel: ClassVar[str] = "notifications"
    customer_id: str
    outcome: Outcome
    reason: Reason | None = None


ShipmentNotMade = ShipmentRefused | ShipmentCancelled
StockSettled = StockRejected | StockReleased
PaymentSettled = PaymentDeclined | PaymentVoided

EVENTS: Final[tuple[type[Event], ...]] = (
    OrderPlaced,
    OrderCancelRequested,
    OrderExpired,
    HoldApproved,
    HoldDeclined,
    OrderConfirmed,
    OrderRejected,
    StockReserved,
    StockRejected,
    StockReleased,
    StockShipped,
    PaymentAuthorized,
    PaymentDeclined,
    PaymentVoided,
    PaymentCaptured,
    ShipmentArranged,
    ShipmentRefused,
    ShipmentCancelled,
    CustomerNotified,
    StepHeld,
)
COMMANDS: Final[tuple[type[Command], ...]] = (
    ReserveStock,
    ReleaseStock,
    ShipStock,
    AuthorizePayment,
    VoidPayment,
    CapturePayment,
    ArrangeShipment,
    CancelShipment,
    ConfirmOrder,
    RejectOrder,
    NotifyCustomer,
)
KINDS: Final[tuple[type[Body], ...]] = (*EVENTS, *COMMANDS)


def vocabulary() -> Vocabulary:
    return Vocabulary(KINDS)
