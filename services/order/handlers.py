"""What the order service does when told to, whoever tells it."""

from __future__ import annotations

from services.kit.handling import handles
from services.kit.message import SagaId
from services.kit.violations import Violation
from services.messages import ConfirmOrder, OrderConfirmed, OrderRejected, RejectOrder
from services.order.model import Order, Orders, Status


@handles(ConfirmOrder)
def confirm_order(command: ConfirmOrder, orders: Orders) -> OrderConfirmed:
    order = _ended(orders, command.order_id, Status.CONFIRMED)
    return OrderConfirmed(order_id=order.order_id, customer_id=order.customer_id)


@handles(RejectOrder)
def reject_order(command: RejectOrder, orders: Orders) -> OrderRejected:
    order = _ended(orders, command.order_id, Status.REJECTED, command.reason)
    reason = order.reason or command.reason
    return OrderRejected(order_id=order.order_id, customer_id=order.customer_id, reason=reason)


def _ended(orders: Orders, order_id: SagaId, status: Status, reason: str | None = None) -> Order:
    """The end an order has already stands; the other end is a violation."""
    order = orders.orders.get(order_id)
    if order is None:
        raise Violation("an order that was never admitted")
    if order.status is Status.PENDING:
        return orders.end(order_id, status, reason)
    if order.status is not status:
        raise Violation(f"{order.status} before, {status} now")
    return order
