"""Before the rules have let a step through, nobody outside hears of it: in neither mode."""

import pytest

from services.kit.faults import Catalogue, Fault, Rule
from services.kit.message import Mode
from services.messages import HoldApproved, HoldDeclined, PaymentAuthorized, StockReserved
from tests.unit.services.builders import ORDER_ID, an_order
from tests.unit.services.points import Company, Point, a_book

ONE = {"atMost": 0, "windowSeconds": 60}
RESERVED = StockReserved(order_id=ORDER_ID)
APPROVED = HoldApproved(order_id=ORDER_ID, rules=("a-rule",))
DECLINED = HoldDeclined(order_id=ORDER_ID, rules=("a-rule",))
STOPPING = {
    "deny": {"effect": "deny"},
    "hold": {"effect": "hold"},
    "limit": {"effect": "limit", "limit": ONE},
    "require": {"effect": "require", "after": ["StockReserved"]},
    "a named fact": {"effect": "deny", "when": "facts.StockReserved && false"},
    "an error": {"effect": "deny", "when": "1 / 0 > 0"},
}
GOING_ON = {"hold": APPROVED, "require": RESERVED, "a named fact": RESERVED}
MODES = pytest.mark.parametrize("mode", Mode)


def a_book_about(step, effect):
    return a_book({"name": "a-rule", "guards": step, **STOPPING[effect]})


@MODES
@pytest.mark.parametrize("effect", STOPPING)
def test_the_card_network_is_not_asked_about_what_a_rule_stops(mode, effect):
    company = Company(mode, a_book_about("AuthorizePayment", effect))
    company.hears(an_order())
    assert company.payment.spy.asked == []


@MODES
@pytest.mark.parametrize("effect", GOING_ON)
def test_it_is_asked_once_as_soon_as_the_step_may_be_done(mode, effect):
    company = Company(mode, a_book_about("AuthorizePayment", effect))
    company.hears(an_order())
    company.hears(GOING_ON[effect])
    assert company.payment.spy.asked == [ORDER_ID]
    assert company.payment.says("PaymentAuthorized")


@MODES
def test_it_is_never_asked_about_what_somebody_declined(mode):
    company = Company(mode, a_book_about("AuthorizePayment", "hold"))
    company.hears(an_order())
    company.hears(DECLINED)
    assert company.payment.spy.asked == []


@pytest.mark.parametrize("effect", STOPPING)
def test_the_carrier_is_not_asked_either(effect):
    book = a_book_about("ArrangeShipment", effect)
    shipping = Point("shipping", Mode.CHOREOGRAPHY, book)
    shipping.hears(an_order())
    shipping.hears(PaymentAuthorized(order_id=ORDER_ID, amount_cents=1))
    assert shipping.spy.asked == []
    shipping.hears(RESERVED)
    assert bool(shipping.spy.asked) is (effect in ("require", "a named fact"))


@pytest.mark.parametrize("fault", [Fault.DELAY, Fault.FAIL])
def test_what_was_let_through_upon_a_fact_is_done_though_it_fails_at_first(fault):
    """The message that made the step come comes again, and nothing else would make it."""
    faults = Catalogue(3, (Rule(fault, 40, delay_ms=50),))
    book = a_book_about("AuthorizePayment", "require")
    for number in range(20):
        order = f"00000000-0000-4000-8000-{number:012}"
        payment = Point("payment", Mode.CHOREOGRAPHY, book, faults=faults)
        payment.hears(an_order(order))
        payment.hears(StockReserved(order_id=order))
        payment.waits_until(60.0)
        assert payment.says("PaymentAuthorized") or payment.says("PaymentDeclined")


def test_a_denial_stands_though_the_rules_are_gone_when_it_is_tried_again():
    faults = Catalogue(1, (Rule(Fault.DELAY, 100, delay_ms=1_000),))
    book = a_book_about("AuthorizePayment", "deny")
    payment = Point("payment", Mode.CHOREOGRAPHY, book, faults=faults)
    payment.hears(an_order())
    payment.rules.take(a_book(version=2))
    payment.waits_until(60.0)
    assert payment.says("PaymentDeclined")


def test_what_was_let_through_goes_on_though_its_rules_are_gone():
    """Payment hears of no stock without rules, but what it has begun upon it, it ends."""
    faults = Catalogue(1, (Rule(Fault.DELAY, 100, delay_ms=1_000),))
    book = a_book_about("AuthorizePayment", "require")
    payment = Point("payment", Mode.CHOREOGRAPHY, book, faults=faults)
    payment.hears(an_order())
    payment.hears(RESERVED)
    payment.rules.take(a_book(version=2))
    payment.waits_until(60.0)
    assert payment.says("PaymentAuthorized")


def test_a_decision_keeps_to_the_rules_that_were_in_force_when_it_began(monkeypatch):
    """They change while accounts are locked: a limit that is new would be asked of none of them."""
    payment = Point("payment", Mode.CHOREOGRAPHY, a_book_about("AuthorizePayment", "hold"))
    tables = payment.core.point.tables
    limited = {"name": "a-rule", "guards": "AuthorizePayment", **STOPPING["limit"]}
    opening = tables.open

    def meanwhile(connection, claims):
        payment.rules.take(a_book(limited, version=2))
        return opening(connection, claims)

    monkeypatch.setattr(tables, "open", meanwhile)
    payment.hears(an_order())
    assert [(each.version, each.effect) for each in payment.store.decisions] == [(1, "hold")]
