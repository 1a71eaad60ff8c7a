"""What every service's repository promises, in PostgreSQL as in memory: what a handler decided is
there for the next batch, and a settled outcome stands."""

from dataclasses import dataclass
from typing import Any

import pytest

from services.catalogue import PRICES_CENTS
from services.inventory import handlers as inventory
from services.inventory.model import Level, Stock
from services.inventory.service import fill_shelves
from services.inventory.store import StockRepository
from services.kit.postgres import PostgresDatabase
from services.kit.session import Database
from services.kit.settings import Settings
from services.kit.violations import Violation
from services.messages import (
    ArrangeShipment,
    CancelShipment,
    CapturePayment,
    NotifyCustomer,
    PaymentAuthorized,
    PaymentCaptured,
    PaymentDeclined,
    PaymentVoided,
    ReleaseStock,
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
from services.notification import handlers as notification
from services.notification.store import NotificationRepository
from services.payment import handlers as payment
from services.payment.model import CardAnswer
from services.payment.store import PaymentRepository
from services.shipping import handlers as shipping
from services.shipping.model import CarrierAnswer
from services.shipping.store import ShipmentRepository
from tests.integration.builders import BERLIN, a_reservation, an_authorization, an_id
from tests.integration.databases import with_schema
from tests.simulator.database import Clock, MemoryDatabase, Store
from tests.simulator.repositories import (
    Accounts,
    MemoryNotifications,
    MemoryPayments,
    MemoryShipments,
    MemoryStock,
    Shelves,
    Waybills,
)

ON_HAND = 100
IN_POSTGRES = {
    "inventory": StockRepository,
    "payment": PaymentRepository,
    "shipping": ShipmentRepository,
    "notification": NotificationRepository,
}
IN_MEMORY = {
    "inventory": (
        MemoryStock,
        lambda: Shelves({sku: Level(0 if sku == "theremin" else ON_HAND) for sku in PRICES_CENTS}),
    ),
    "payment": (MemoryPayments, Accounts),
    "shipping": (MemoryShipments, Waybills),
    "notification": (MemoryNotifications, list),
}


@dataclass
class Tables:
    """One service's tables behind its repository."""

    database: Database
    repository: Any

    def do(self, handler, *commands, answer=None, reason=None):
        """Commands in one transaction, as a participant does them; their events."""
        answers = {command.order_id: answer for command in commands}
        more = () if reason is None else (reason,)
        with self.database.transaction() as session:
            state = self.repository.load(session.connection, commands, answers)
            events = [handler(command, state, *more) for command in commands]
            self.repository.save(session.connection, state)
        return events if len(events) > 1 else events[0]

    def seen_by(self, command):
        with self.database.transaction() as session:
            return self.repository.load(session.connection, [command], {})


def in_postgres(request, service):
    url = request.getfixturevalue("database_url")
    database = PostgresDatabase(url, with_schema(url, service), "test")
    request.addfinalizer(database.close)
    if service == "inventory":
        settings = Settings(database_url=url, kafka="", initial_stock=ON_HAND)
        fill_shelves(settings, database.connection())
    return Tables(database, IN_POSTGRES[service]())


def in_memory(_request, service):
    repository, own = IN_MEMORY[service]
    return Tables(MemoryDatabase(Store(Clock(), own())), repository())


@pytest.fixture(params=[in_postgres, in_memory], ids=["postgres", "memory"])
def tables(request):
    return lambda service: request.param(request, service)


@pytest.fixture
def stock(tables):
    return tables("inventory")


@pytest.fixture
def payments(tables):
    return tables("payment")


@pytest.fixture
def shipments(tables):
    return tables("shipping")


@pytest.fixture
def mailbox(tables):
    return tables("notification")


def levels(stock: Tables, sku: str = "guitar") -> Level:
    found: Stock = stock.seen_by(a_reservation(sku=sku))
    return found.levels[sku]


def test_what_is_reserved_is_held_until_it_is_shipped(stock):
    order = an_id()
    assert stock.do(inventory.reserve_stock, a_reservation(order, 3)) == StockReserved(
        order_id=order
    )
    assert levels(stock) == Level(ON_HAND - 3, reserved=3)
    assert stock.do(inventory.ship_stock, ShipStock(order_id=order)) == StockShipped(order_id=order)
    assert levels(stock) == Level(ON_HAND - 3, shipped=3)


def test_a_command_that_comes_again_changes_nothing(stock):
    order = an_id()
    for _ in range(3):
        stock.do(inventory.reserve_stock, a_reservation(order, 3))
    for _ in range(3):
        stock.do(inventory.ship_stock, ShipStock(order_id=order))
    assert levels(stock) == Level(ON_HAND - 3, shipped=3)


def test_a_batch_of_orders_shares_what_there_is(stock):
    commands = [a_reservation(quantity=ON_HAND // 2) for _ in range(3)]
    events = stock.do(inventory.reserve_stock, *commands)
    assert [type(event) for event in events] == [StockReserved, StockReserved, StockRejected]
    assert levels(stock) == Level(0, reserved=ON_HAND)


def test_a_rejection_stands_even_when_there_is_stock_again(stock):
    greedy, other = a_reservation(quantity=ON_HAND), a_reservation(quantity=1)
    stock.do(inventory.reserve_stock, greedy)
    rejected = stock.do(inventory.reserve_stock, other)
    stock.do(inventory.release_stock, ReleaseStock(order_id=greedy.order_id, reason="cancelled"))
    assert rejected == StockRejected(order_id=other.order_id, reason="out_of_stock")
    assert stock.do(inventory.reserve_stock, other) == rejected
    assert levels(stock) == Level(ON_HAND)


def test_what_is_released_is_on_hand_again_and_keeps_its_first_reason(stock):
    order = an_id()
    stock.do(inventory.reserve_stock, a_reservation(order, 3))
    for reason in ("card_declined", "timed_out"):
        released = stock.do(inventory.release_stock, ReleaseStock(order_id=order, reason=reason))
        assert released == StockReleased(order_id=order, reason="card_declined")
    assert levels(stock) == Level(ON_HAND)


def test_a_release_before_the_reservation_keeps_it_from_ever_happening(stock):
    order = an_id()
    stock.do(inventory.release_stock, ReleaseStock(order_id=order, reason="card_declined"))
    late = stock.do(inventory.reserve_stock, a_reservation(order, 3))
    assert late == StockRejected(order_id=order, reason="card_declined")
    assert levels(stock) == Level(ON_HAND)


def test_an_injected_refusal_is_remembered_like_any_other(stock):
    command = a_reservation()
    refused = stock.do(inventory.refuse_stock, command, reason="unavailable")
    assert refused == StockRejected(order_id=command.order_id, reason="unavailable")
    assert stock.do(inventory.reserve_stock, command) == refused


@pytest.mark.parametrize(
    "command",
    [ShipStock(order_id=an_id()), a_reservation(sku="kazoo")],
    ids=["shipping what is not reserved", "an unknown sku"],
)
def test_what_cannot_be_done_leaves_no_trace(stock, command):
    if isinstance(command, ShipStock):
        with pytest.raises(Violation):
            stock.do(inventory.ship_stock, command)
        assert stock.seen_by(command).reservations == {}
    else:
        assert isinstance(stock.do(inventory.reserve_stock, command), StockRejected)
    assert levels(stock) == Level(ON_HAND)


def test_a_basket_with_the_same_sku_twice_is_counted_in_full(stock):
    half = a_reservation(quantity=ON_HAND // 2 + 1)
    twice = type(half)(order_id=half.order_id, items=half.items * 2)
    assert isinstance(stock.do(inventory.reserve_stock, twice), StockRejected)
    assert levels(stock) == Level(ON_HAND)


def test_money_is_held_then_taken_and_repeating_it_takes_none_twice(payments):
    order = an_id()
    authorized = PaymentAuthorized(order_id=order, amount_cents=39_900)
    captured = PaymentCaptured(order_id=order, amount_cents=39_900)
    for _ in range(2):
        command = an_authorization(order)
        assert payments.do(payment.authorize_payment, command, answer=CardAnswer()) == authorized
    for _ in range(2):
        assert payments.do(payment.capture_payment, CapturePayment(order_id=order)) == captured
    with pytest.raises(Violation):
        payments.do(payment.void_payment, VoidPayment(order_id=order, reason="cancelled"))


def test_a_decline_stands_whatever_the_network_says_later(payments):
    command = an_authorization(an_id())
    declined = PaymentDeclined(order_id=command.order_id, reason="card_declined")
    for answer in (CardAnswer("card_declined"), CardAnswer()):
        assert payments.do(payment.authorize_payment, command, answer=answer) == declined


def test_a_void_before_the_authorization_keeps_it_from_ever_happening(payments):
    order = an_id()
    voided = payments.do(payment.void_payment, VoidPayment(order_id=order, reason="out_of_stock"))
    assert voided == PaymentVoided(order_id=order, reason="out_of_stock")
    late = payments.do(payment.authorize_payment, an_authorization(order), answer=CardAnswer())
    assert late == PaymentDeclined(order_id=order, reason="out_of_stock")


def test_what_is_voided_keeps_its_amount_and_first_reason(payments):
    order = an_id()
    payments.do(payment.authorize_payment, an_authorization(order), answer=CardAnswer())
    for reason in ("cancelled", "timed_out"):
        voided = payments.do(payment.void_payment, VoidPayment(order_id=order, reason=reason))
        assert voided.reason == "cancelled"
    assert payments.seen_by(an_authorization(order)).payments[order].amount_cents == 39_900


def test_a_shipment_that_is_arranged_cannot_be_cancelled_any_more(shipments):
    order = an_id()
    arranged = ShipmentArranged(order_id=order, tracking="BAND-1")
    command = ArrangeShipment(order_id=order, ship_to=BERLIN)
    assert (
        shipments.do(shipping.arrange_shipment, command, answer=CarrierAnswer("BAND-1")) == arranged
    )
    cancel = CancelShipment(order_id=order, reason="cancelled")
    assert shipments.do(shipping.cancel_shipment, cancel) == arranged


def test_a_shipment_that_is_cancelled_cannot_be_arranged_any_more(shipments):
    order = an_id()
    cancelled = ShipmentCancelled(order_id=order, reason="cancelled")
    cancel = CancelShipment(order_id=order, reason="cancelled")
    assert shipments.do(shipping.cancel_shipment, cancel) == cancelled
    command = ArrangeShipment(order_id=order, ship_to=BERLIN)
    answer = CarrierAnswer("BAND-1")
    assert shipments.do(shipping.arrange_shipment, command, answer=answer) == cancelled


def test_a_carriers_refusal_stands_also_for_a_cancellation(shipments):
    order = an_id()
    refused = ShipmentRefused(order_id=order, reason="not_serviceable")
    command = ArrangeShipment(order_id=order, ship_to=BERLIN)
    answer = CarrierAnswer(refused="not_serviceable")
    assert shipments.do(shipping.arrange_shipment, command, answer=answer) == refused
    cancel = CancelShipment(order_id=order, reason="cancelled")
    assert shipments.do(shipping.cancel_shipment, cancel) == refused


def test_a_customer_is_told_once_and_never_the_contrary(mailbox):
    order = an_id()
    good = NotifyCustomer(order_id=order, customer_id="c-1", outcome="confirmed")
    bad = NotifyCustomer(order_id=order, customer_id="c-1", outcome="rejected", reason="x")
    assert [mailbox.do(notification.notify_customer, good).outcome for _ in range(2)] == [
        "confirmed",
        "confirmed",
    ]
    with pytest.raises(Violation):
        mailbox.do(notification.notify_customer, bad)
    assert mailbox.seen_by(good).told == {order: "confirmed"}
