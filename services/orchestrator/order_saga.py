"""The symphony orchestra's score: the whole flow of an order, in one place."""

from __future__ import annotations

from typing import Final

from services.kit.message import Command
from services.messages import (
    ArrangeShipment,
    AuthorizePayment,
    CancelShipment,
    CapturePayment,
    ConfirmOrder,
    CustomerNotified,
    HoldApproved,
    HoldDeclined,
    NotifyCustomer,
    OrderCancelRequested,
    OrderConfirmed,
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
    StockRejected,
    StockReleased,
    StockReserved,
    StockShipped,
    VoidPayment,
)
from services.orchestrator.saga import FOREVER, Parallel, Pivot, Saga, Stage, Step, Undo


def compose(kind: type[Command], order: OrderPlaced, reason: str | None) -> Command:
    """The command of this kind for this order; `reason` is why it failed, if it did."""
    why = reason or "unknown"
    if kind is ReserveStock:
        return ReserveStock(order_id=order.order_id, items=order.items)
    if kind is AuthorizePayment:
        return AuthorizePayment(
            order_id=order.order_id,
            customer_id=order.customer_id,
            amount_cents=order.amount_cents,
            currency=order.currency,
            card=order.card,
        )
    if kind is ArrangeShipment:
        return ArrangeShipment(order_id=order.order_id, ship_to=order.ship_to)
    if kind is NotifyCustomer:
        return NotifyCustomer(
            order_id=order.order_id,
            customer_id=order.customer_id,
            outcome="rejected" if reason else "confirmed",
            reason=reason,
        )
    if issubclass(kind, ReleaseStock | VoidPayment | CancelShipment | RejectOrder):
        return kind(order_id=order.order_id, reason=why)
    return kind(order_id=order.order_id)


ORDER: Final = Saga(
    name="order",
    version=1,
    started_by=OrderPlaced,
    cancelled_by=OrderCancelRequested,
    approved_by=HoldApproved,
    declined_by=HoldDeclined,
    stages=(
        Parallel(
            Step(ReserveStock, StockReserved, StockRejected, Undo(ReleaseStock, StockReleased)),
            Step(
                AuthorizePayment,
                PaymentAuthorized,
                PaymentDeclined,
                Undo(VoidPayment, PaymentVoided),
            ),
        ),
        Pivot(
            Step(
                ArrangeShipment,
                ShipmentArranged,
                ShipmentRefused,
                Undo(CancelShipment, ShipmentCancelled),
            )
        ),
        Parallel(
            Step(CapturePayment, PaymentCaptured, retry=FOREVER),
            Step(ShipStock, StockShipped, retry=FOREVER),
        ),
        Stage((Step(ConfirmOrder, OrderConfirmed, retry=FOREVER),)),
    ),
    rejection=Step(RejectOrder, OrderRejected, retry=FOREVER),
    closing=Step(NotifyCustomer, CustomerNotified, retry=FOREVER),
    compose=compose,
)
