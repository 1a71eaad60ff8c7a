"""Payment's rules: what was authorized is captured or voided, in full and once."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kit.violations import Violation
from services.messages import (
    AuthorizePayment,
    CapturePayment,
    PaymentAuthorized,
    PaymentDeclined,
    VoidPayment,
)
from services.payment import handlers as payment
from services.payment.card_network import answer as card_answer
from services.payment.model import Payments
from services.payment.model import Status as Money
from tests.unit.services.builders import ORDER_ID, order_ids, reasons, tried

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
