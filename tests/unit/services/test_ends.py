"""An order has one end, and its customer hears of it once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kit.violations import Violation
from services.messages import (
    ConfirmOrder,
    NotifyCustomer,
    RejectOrder,
)
from services.notification import handlers as notification
from services.notification.model import Mailbox
from services.order import handlers as order_handlers
from services.order.model import Order, Orders
from services.order.model import Status as Ended
from tests.unit.services.builders import ORDER_ID, order_id, order_ids, reasons, tried

outcomes = st.sampled_from(["confirmed", "rejected"])


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
