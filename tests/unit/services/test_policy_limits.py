"""A limit counts what comes of it: what was refused or undone has taken nothing, in both modes."""

import pytest

from services.kit.message import Mode
from services.messages import (
    CustomerNotified,
    Item,
    OrderRejected,
    PaymentDeclined,
    StockRejected,
    StockReleased,
)
from services.policy.steps import CONDUCTOR
from tests.unit.services.builders import an_order, order_id
from tests.unit.services.points import Point, a_book

FIRST, NEXT = order_id(1), order_id(2)
ONE = {"atMost": 1, "windowSeconds": 60}
LIMIT = {"name": "one-each", "guards": "AuthorizePayment", "effect": "limit", "limit": ONE}


def is_let_through(payment, order):
    told = payment.hears(an_order(order))
    return told == ["PaymentAuthorized"]


@pytest.fixture
def payment():
    return Point("payment", Mode.CHOREOGRAPHY, a_book(LIMIT))


def test_a_payment_that_stands_counts(payment):
    assert is_let_through(payment, FIRST)
    assert not is_let_through(payment, NEXT)


def test_a_card_that_is_declined_has_taken_nothing(payment):
    assert payment.hears(an_order(FIRST, card="tok-declined")) == ["PaymentDeclined"]
    assert is_let_through(payment, NEXT)


def test_a_payment_that_is_voided_gives_back_what_it_took(payment):
    assert is_let_through(payment, FIRST)
    payment.hears(StockRejected(order_id=FIRST, reason="out_of_stock"))
    assert is_let_through(payment, NEXT)


def test_an_article_that_is_sold_out_has_taken_nothing_though_it_is_all_one_transaction():
    inventory = Point("inventory", Mode.CHOREOGRAPHY, a_book({**LIMIT, "guards": "ReserveStock"}))
    sold_out = an_order(FIRST, items=(Item("theremin", 1),))
    assert inventory.hears(sold_out) == ["StockRejected"]
    assert inventory.hears(an_order(NEXT)) == ["StockReserved"]


def test_an_order_that_the_conductor_rejected_gives_back_what_it_took():
    conductor = Point(CONDUCTOR, Mode.ORCHESTRATION, a_book(LIMIT))
    assert "AuthorizePayment" in conductor.hears(an_order(FIRST))
    conductor.hears(PaymentDeclined(order_id=FIRST, reason="card_declined"))
    assert "AuthorizePayment" not in conductor.hears(an_order(order_id(3)))
    conductor.hears(StockReleased(order_id=FIRST, reason="card_declined"))
    conductor.hears(OrderRejected(order_id=FIRST, customer_id="c-0001", reason="card_declined"))
    conductor.hears(CustomerNotified(order_id=FIRST, outcome="rejected"))
    assert "AuthorizePayment" in conductor.hears(an_order(NEXT))
