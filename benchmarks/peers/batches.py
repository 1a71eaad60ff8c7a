"""The floor in batches: each step of the saga is one transaction for many orders, with the
services' own handlers and statements. It shows what batching alone is worth."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any

from benchmarks.peers.orders import Order, priced
from lab.load.mix import mix
from services.inventory import handlers as inventory
from services.inventory.store import StockRepository
from services.kit import sql
from services.kit.connection import connect
from services.kit.message import Command, SagaId
from services.kit.postgres import transaction
from services.messages import (
    Address,
    ArrangeShipment,
    AuthorizePayment,
    CapturePayment,
    ConfirmOrder,
    Item,
    NotifyCustomer,
    RejectOrder,
    ReleaseStock,
    ReserveStock,
    ShipStock,
    VoidPayment,
)
from services.notification import handlers as notification
from services.notification.store import NotificationRepository
from services.order import handlers as ordering
from services.order.store import OrderRepository
from services.payment import handlers as payment
from services.payment.card_network import answer as ask_card_network
from services.payment.store import PaymentRepository
from services.shipping import handlers as shipping
from services.shipping.carrier import answer as ask_carrier
from services.shipping.store import ShipmentRepository

_PLACE = """
INSERT INTO orders (id, customer_id, items, total_cents, currency, card, ship_to, mode, epoch,
    deadline_at, idempotency_key, request_hash)
SELECT id, customer_id, items, total_cents, currency, card, ship_to, 'choreography', 1,
    clock_timestamp() + interval '10 s', id::text, sha256(convert_to(id::text, 'UTF8'))
FROM json_to_recordset(%s) AS new (
    id uuid, customer_id text, items jsonb, total_cents bigint, currency text, card text,
    ship_to jsonb)
"""
_CLOSE = "UPDATE orders SET closed_at = clock_timestamp() WHERE id = ANY(%s::uuid[])"
_SCHEMAS = ("orders", "inventory", "payment", "shipping", "notification")

Handler = Callable[[Any, Any], Any]
Reasons = dict[SagaId, str]


class Batches:
    """One connection to each schema; `step` is a step's transaction."""

    def __init__(self, connections: dict[str, Any]) -> None:
        self._connections = connections

    def run(self, orders: Sequence[Order]) -> None:
        by_id = {SagaId(order.order_id): order for order in orders}
        self._place(orders)
        reasons = self._prepare(by_id)
        going = [order for order in by_id if order not in reasons]
        stock, payments = StockRepository(), PaymentRepository()
        captures = [CapturePayment(order_id=order) for order in going]
        self._step("payment", payments, payment.capture_payment, captures)
        ships = [ShipStock(order_id=order) for order in going]
        self._step("inventory", stock, inventory.ship_stock, ships)
        self._end(by_id, reasons)

    def _place(self, orders: Sequence[Order]) -> None:
        with transaction(self._connections["orders"]) as session:
            session.execute(_PLACE, (sql.rows(map(_row, orders)),))

    def _prepare(self, orders: dict[SagaId, Order]) -> Reasons:
        """Reserve, authorize and ship; undo what was done of those that are refused."""
        stock, payments = StockRepository(), PaymentRepository()
        reserve = [ReserveStock(order_id=id_, items=_items(o)) for id_, o in orders.items()]
        reasons = self._step("inventory", stock, inventory.reserve_stock, reserve)
        authorize = [_authorize(id_, order) for id_, order in orders.items()]
        cards = {command.order_id: ask_card_network(command) for command in authorize}
        reasons |= self._step("payment", payments, payment.authorize_payment, authorize, cards)
        reasons |= self._arrange(orders, reasons)
        release = [ReleaseStock(order_id=order, reason=why) for order, why in reasons.items()]
        self._step("inventory", stock, inventory.release_stock, release)
        void = [VoidPayment(order_id=order, reason=why) for order, why in reasons.items()]
        self._step("payment", payments, payment.void_payment, void)
        return reasons

    def _arrange(self, orders: dict[SagaId, Order], reasons: Reasons) -> Reasons:
        arrange = [
            ArrangeShipment(order_id=id_, ship_to=_address(order))
            for id_, order in orders.items()
            if id_ not in reasons
        ]
        answers = {command.order_id: ask_carrier(command) for command in arrange}
        repository = ShipmentRepository()
        return self._step("shipping", repository, shipping.arrange_shipment, arrange, answers)

    def _end(self, orders: dict[SagaId, Order], reasons: Reasons) -> None:
        confirm = [ConfirmOrder(order_id=id_) for id_ in orders if id_ not in reasons]
        reject = [RejectOrder(order_id=id_, reason=why) for id_, why in reasons.items()]
        self._step("orders", OrderRepository(), ordering.confirm_order, confirm)
        self._step("orders", OrderRepository(), ordering.reject_order, reject)
        tell = [_tell(id_, order, reasons.get(id_)) for id_, order in orders.items()]
        mailbox = NotificationRepository()
        self._step("notification", mailbox, notification.notify_customer, tell)
        with transaction(self._connections["orders"]) as session:
            session.execute(_CLOSE, (sql.ids(orders),))

    def _step(
        self,
        schema: str,
        repository: Any,
        handler: Handler,
        commands: Sequence[Command],
        answers: Any = None,
    ) -> Reasons:
        """The reasons of those that were refused."""
        with transaction(self._connections[schema]) as session:
            state = repository.load(session, commands, answers or {})
            events = [handler(command, state) for command in commands]
            repository.save(session, state)
        told = {event.order_id: getattr(event, "reason", None) for event in events}
        return {order: reason for order, reason in told.items() if reason}


def run_batches(orders: int, size: int, seed: int) -> None:
    url = os.environ["BANDSTAND_DATABASE_URL"]
    drafts = [planned.draft for planned in mix(orders, seed)]
    with ExitStack() as exits:
        opened = {each: exits.enter_context(connect(url, each, "floor")) for each in _SCHEMAS}
        batches = Batches(opened)
        for first in range(0, orders, size):
            batches.run([priced(draft) for draft in drafts[first : first + size]])


def _items(order: Order) -> tuple[Item, ...]:
    return tuple(Item(*each) for each in zip(order.skus, order.quantities, strict=True))


def _address(order: Order) -> Address:
    return Address(order.recipient, order.country, order.city, order.postcode)


def _authorize(order_id: SagaId, order: Order) -> AuthorizePayment:
    return AuthorizePayment(
        order_id=order_id,
        customer_id=order.customer_id,
        amount_cents=order.total_cents,
        currency=order.currency,
        card=order.card,
    )


def _tell(order_id: SagaId, order: Order, reason: str | None) -> NotifyCustomer:
    return NotifyCustomer(
        order_id=order_id,
        customer_id=order.customer_id,
        outcome="rejected" if reason else "confirmed",
        reason=reason,
    )


def _row(order: Order) -> dict[str, Any]:
    return {
        "id": order.order_id,
        "customer_id": order.customer_id,
        "items": _items(order),
        "total_cents": order.total_cents,
        "currency": order.currency,
        "card": order.card,
        "ship_to": _address(order),
    }
