"""The five participants' rules: whatever they are told in whatever order, it adds up."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.inventory import handlers as inventory
from services.inventory.model import Level, Stock
from services.inventory.model import Status as Held
from services.kit.violations import Violation
from services.messages import (
    ArrangeShipment,
    AuthorizePayment,
    CancelShipment,
    CapturePayment,
    ConfirmOrder,
    Item,
    NotifyCustomer,
    PaymentAuthorized,
    PaymentDeclined,
    RejectOrder,
    ReleaseStock,
    ReserveStock,
    ShipmentArranged,
    ShipmentCancelled,
    ShipmentRefused,
    ShipStock,
    StockRejected,
    StockReserved,
    VoidPayment,
)
from services.notification import handlers as notification
from services.notification.model import Mailbox
from services.order import handlers as order_handlers
from services.order.model import Order, Orders
from services.order.model import Status as Ended
from services.payment import handlers as payment
from services.payment.card_network import answer as card_answer
from services.payment.model import Payments
from services.payment.model import Status as Money
from services.shipping import handlers as shipping
from services.shipping.carrier import answer as carrier_answer
from services.shipping.model import CarrierAnswer, Shipments
from services.shipping.model import Status as Parcel
from tests.unit.services.builders import ORDER_ID, an_order, order_id

STOCKED = 5
SKUS = ("guitar", "violin")

order_ids = st.builds(order_id, st.integers(1, 3))
baskets = st.lists(st.builds(Item, st.sampled_from(SKUS), st.integers(1, 3)), min_size=1)
reasons = st.sampled_from(["cancelled", "timed_out"])
outcomes = st.sampled_from(["confirmed", "rejected"])


def tried(handler, command, state):
    """What is said, or that it would break a rule."""
    try:
        return handler(command, state)
    except Violation as violation:
        return str(violation)


# Inventory -----------------------------------------------------------------------------------

STOCK = {
    ReserveStock: inventory.reserve_stock,
    ReleaseStock: inventory.release_stock,
    ShipStock: inventory.ship_stock,
}
stock_commands = st.one_of(
    st.builds(lambda o, i: ReserveStock(order_id=o, items=tuple(i)), order_ids, baskets),
    st.builds(lambda o, r: ReleaseStock(order_id=o, reason=r), order_ids, reasons),
    st.builds(lambda o: ShipStock(order_id=o), order_ids),
)


def shelves():
    return Stock({sku: Level(STOCKED) for sku in SKUS})


def contents(stock):
    levels = {sku: replace(level) for sku, level in stock.levels.items()}
    return levels, dict(stock.reservations), list(stock.moves)


@given(st.lists(stock_commands, max_size=30))
def test_stock_is_neither_made_nor_lost(commands):
    stock = shelves()
    for command in commands:
        tried(STOCK[type(command)], command, stock)
        for level in stock.levels.values():
            assert level.on_hand + level.reserved + level.shipped == STOCKED
            assert min(level.on_hand, level.reserved, level.shipped) >= 0


@given(st.lists(stock_commands, max_size=30))
def test_what_is_reserved_is_what_open_reservations_hold(commands):
    stock = shelves()
    for command in commands:
        tried(STOCK[type(command)], command, stock)
    held = Counter()
    for reservation in stock.reservations.values():
        if reservation.status is Held.RESERVED:
            held.update({i.sku: 0 for i in reservation.items})
            for item in reservation.items:
                held[item.sku] += item.quantity
    assert {sku: level.reserved for sku, level in stock.levels.items()} == {
        sku: held[sku] for sku in SKUS
    }


@given(st.lists(stock_commands, max_size=30))
def test_stock_told_twice_changes_once_and_answers_the_same(commands):
    stock = shelves()
    for command in commands:
        said = tried(STOCK[type(command)], command, stock)
        before = contents(stock)
        assert tried(STOCK[type(command)], command, stock) == said
        assert contents(stock) == before


@given(st.lists(stock_commands, max_size=30))
def test_each_order_moves_stock_at_most_there_and_away(commands):
    stock = shelves()
    for command in commands:
        tried(STOCK[type(command)], command, stock)
    for order in {order for order, _ in stock.moves}:
        moves = [move for each, move in stock.moves if each == order]
        assert moves in (
            [Held.RESERVED],
            [Held.RESERVED, Held.RELEASED],
            [Held.RESERVED, Held.SHIPPED],
        )


def test_all_items_are_held_or_none():
    stock = shelves()
    items = (Item("guitar", 1), Item("violin", STOCKED + 1))
    said = inventory.reserve_stock(ReserveStock(order_id=ORDER_ID, items=items), stock)
    assert said == StockRejected(order_id=ORDER_ID, reason="out_of_stock")
    assert stock.levels["guitar"].on_hand == STOCKED


def test_one_sku_on_several_lines_is_counted_together():
    items = (Item("guitar", 3), Item("guitar", 3))
    said = inventory.reserve_stock(ReserveStock(order_id=ORDER_ID, items=items), shelves())
    assert isinstance(said, StockRejected)


def test_an_unknown_sku_is_out_of_stock():
    command = ReserveStock(order_id=ORDER_ID, items=(Item("kazoo", 1),))
    assert isinstance(inventory.reserve_stock(command, shelves()), StockRejected)


def test_a_reservation_that_comes_after_its_release_holds_nothing():
    stock = shelves()
    inventory.release_stock(ReleaseStock(order_id=ORDER_ID, reason="cancelled"), stock)
    said = inventory.reserve_stock(
        ReserveStock(order_id=ORDER_ID, items=(Item("guitar", 1),)), stock
    )
    assert said == StockRejected(order_id=ORDER_ID, reason="cancelled")
    assert stock.moves == []
    assert stock.levels["guitar"] == Level(STOCKED)


def test_a_refusal_does_not_take_back_what_is_held():
    stock = shelves()
    command = ReserveStock(order_id=ORDER_ID, items=(Item("guitar", 1),))
    inventory.reserve_stock(command, stock)
    assert isinstance(inventory.refuse_stock(command, stock, "refused"), StockReserved)


def test_shipped_stock_is_not_released():
    stock = shelves()
    inventory.reserve_stock(ReserveStock(order_id=ORDER_ID, items=(Item("guitar", 1),)), stock)
    inventory.ship_stock(ShipStock(order_id=ORDER_ID), stock)
    with pytest.raises(Violation):
        inventory.release_stock(ReleaseStock(order_id=ORDER_ID, reason="cancelled"), stock)


# Payment -------------------------------------------------------------------------------------

MONEY = {
    AuthorizePayment: payment.authorize_payment,
    VoidPayment: payment.void_payment,
    CapturePayment: payment.capture_payment,
}


def authorize(order=ORDER_ID, amount=100, card="tok-visa"):
    return AuthorizePayment(
        order_id=order, customer_id="c", amount_cents=amount, currency="EUR", card=card
    )


money_commands = st.one_of(
    st.builds(
        authorize,
        order_ids,
        st.integers(0, 1_000),
        st.sampled_from(["tok-visa", "tok-declined"]),
    ),
    st.builds(lambda o, r: VoidPayment(order_id=o, reason=r), order_ids, reasons),
    st.builds(lambda o: CapturePayment(order_id=o), order_ids),
)


def pay(command, payments):
    if isinstance(command, AuthorizePayment):
        payments.answers = {command.order_id: card_answer(command)}
    return tried(MONEY[type(command)], command, payments)


@given(st.lists(money_commands, max_size=30))
def test_what_was_authorized_is_captured_voided_or_open(commands):
    payments = Payments()
    for command in commands:
        pay(command, payments)
        total = Counter()
        for entry in payments.entries:
            total[entry.entry] += entry.amount_cents
        held = payments.payments.values()
        still_open = sum(p.amount_cents for p in held if p.status is Money.AUTHORIZED)
        assert total[Money.AUTHORIZED] == total[Money.CAPTURED] + total[Money.VOIDED] + still_open


@given(st.lists(money_commands, max_size=30))
def test_money_told_twice_changes_once_and_answers_the_same(commands):
    payments = Payments()
    for command in commands:
        said = pay(command, payments)
        before = dict(payments.payments), list(payments.entries)
        assert pay(command, payments) == said
        assert (payments.payments, payments.entries) == before


@given(st.lists(money_commands, max_size=30))
def test_each_payment_is_authorized_and_settled_once_in_full(commands):
    payments = Payments()
    for command in commands:
        pay(command, payments)
    for order in {entry.order_id for entry in payments.entries}:
        own = [entry for entry in payments.entries if entry.order_id == order]
        assert [entry.entry for entry in own] in (
            [Money.AUTHORIZED],
            [Money.AUTHORIZED, Money.VOIDED],
            [Money.AUTHORIZED, Money.CAPTURED],
        )
        assert len({entry.amount_cents for entry in own}) == 1


def test_an_authorization_that_comes_after_its_void_holds_no_money():
    payments = Payments()
    pay(VoidPayment(order_id=ORDER_ID, reason="cancelled"), payments)
    said = pay(authorize(), payments)
    assert said == PaymentDeclined(order_id=ORDER_ID, reason="cancelled")
    assert payments.entries == []


def test_the_card_network_declines_one_card():
    said = pay(authorize(card="tok-declined"), Payments())
    assert said == PaymentDeclined(order_id=ORDER_ID, reason="card_declined")
    assert pay(authorize(amount=7), Payments()) == PaymentAuthorized(
        order_id=ORDER_ID, amount_cents=7
    )


@pytest.mark.parametrize("command", [CapturePayment(order_id=ORDER_ID)])
def test_money_that_is_not_held_is_not_captured(command):
    with pytest.raises(Violation):
        payment.capture_payment(command, Payments())


# Shipping ------------------------------------------------------------------------------------

PARCELS = {ArrangeShipment: shipping.arrange_shipment, CancelShipment: shipping.cancel_shipment}


def arrange(order=ORDER_ID, country="DE"):
    return ArrangeShipment(order_id=order, ship_to=an_order(country=country).ship_to)


parcel_commands = st.one_of(
    st.builds(arrange, order_ids, st.sampled_from(["DE", "AQ"])),
    st.builds(lambda o, r: CancelShipment(order_id=o, reason=r), order_ids, reasons),
)


def ship(command, shipments):
    if isinstance(command, ArrangeShipment):
        shipments.answers = {command.order_id: carrier_answer(command)}
    return PARCELS[type(command)](command, shipments)


@given(st.lists(parcel_commands, max_size=30))
def test_a_settled_shipment_never_changes_whatever_is_asked(commands):
    shipments, settled = Shipments(), {}
    for command in commands:
        said = ship(command, shipments)
        found = shipments.shipments[command.order_id]
        assert settled.setdefault(command.order_id, (said, found)) == (said, found)
    arranged = [s.order_id for s in shipments.shipments.values() if s.status is Parcel.ARRANGED]
    assert sorted(shipments.bookings) == sorted(arranged)


def test_the_carrier_does_not_go_to_antarctica():
    said = ship(arrange(country="AQ"), Shipments())
    assert said == ShipmentRefused(order_id=ORDER_ID, reason="not_serviceable")


def test_what_was_cancelled_before_it_was_arranged_stays_so():
    shipments = Shipments()
    ship(CancelShipment(order_id=ORDER_ID, reason="cancelled"), shipments)
    assert ship(arrange(), shipments) == ShipmentCancelled(order_id=ORDER_ID, reason="cancelled")
    assert shipments.bookings == []


def test_a_refusal_does_not_take_back_an_arranged_shipment():
    shipments = Shipments({ORDER_ID: CarrierAnswer("T")})
    shipping.arrange_shipment(arrange(), shipments)
    said = shipping.refuse_shipment(arrange(), shipments, "refused")
    assert said == ShipmentArranged(order_id=ORDER_ID, tracking="T")


# Orders and notifications --------------------------------------------------------------------

ENDS = {ConfirmOrder: order_handlers.confirm_order, RejectOrder: order_handlers.reject_order}
ends = st.one_of(
    st.builds(lambda o: ConfirmOrder(order_id=o), order_ids),
    st.builds(lambda o, r: RejectOrder(order_id=o, reason=r), order_ids, reasons),
)


@given(st.lists(ends, max_size=20))
def test_an_orders_first_end_stands(commands):
    book = {order_id(n): Order(order_id(n), "c", Ended.PENDING) for n in (1, 2, 3)}
    orders, first = Orders(book), {}
    for command in commands:
        said = tried(ENDS[type(command)], command, orders)
        status = orders.orders[command.order_id].status
        assert first.setdefault(command.order_id, status) is status
        assert isinstance(said, str) == (
            status is not (Ended.CONFIRMED if type(command) is ConfirmOrder else Ended.REJECTED)
        )
    assert len(orders.ended) == len(first)


def test_the_reason_of_a_rejection_is_the_first_one():
    orders = Orders({ORDER_ID: Order(ORDER_ID, "c", Ended.PENDING)})
    for reason in ("out_of_stock", "cancelled"):
        command = RejectOrder(order_id=ORDER_ID, reason=reason)
        assert order_handlers.reject_order(command, orders).reason == "out_of_stock"


def test_an_order_that_was_never_admitted_has_no_end():
    with pytest.raises(Violation):
        order_handlers.confirm_order(ConfirmOrder(order_id=ORDER_ID), Orders())


@given(st.lists(st.tuples(order_ids, outcomes), max_size=20))
def test_a_customer_hears_of_one_end_and_once(tellings):
    mailbox = Mailbox()
    for order, outcome in tellings:
        command = NotifyCustomer(order_id=order, customer_id="c", outcome=outcome, reason="r")
        tried(notification.notify_customer, command, mailbox)
    told = [note.order_id for note in mailbox.sent]
    assert len(told) == len(set(told)) == len({order for order, _ in tellings})


def test_a_rejection_tells_why_in_plain_words():
    mailbox = Mailbox()
    command = NotifyCustomer(
        order_id=ORDER_ID, customer_id="c", outcome="rejected", reason="out_of_stock"
    )
    notification.notify_customer(command, mailbox)
    assert mailbox.sent[0].message == f"Your order {ORDER_ID} was rejected: out of stock."
