"""Where new orders go, and what they are called."""

import time
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from services.kit.message import Epoch, Mode
from services.order.deadlines import nudge
from services.order.model import Route, bucket, new_order_id
from tests.unit.services.builders import ORDER_ID, order_id

MANY = [order_id(number * 7_919) for number in range(4_000)]

modes = st.sampled_from(Mode)
weights = st.integers(0, 100)
order_ids = st.builds(order_id, st.integers(0, 2**120))


def route(mode=Mode.CHOREOGRAPHY, weight=100, epoch=1):
    return Route(mode, weight, Epoch(epoch))


@given(modes, weights)
def test_a_mode_gets_its_share_of_the_orders(mode, weight):
    chosen = sum(route(mode, weight).choose(order) is mode for order in MANY)
    assert abs(chosen / len(MANY) * 100 - weight) < 4


@given(modes, order_ids)
def test_all_and_nothing_are_exact(mode, order):
    assert route(mode, 100).choose(order) is mode
    assert route(mode, 0).choose(order) is mode.other


@given(modes, weights, order_ids, st.integers(1, 2**31 - 1))
def test_an_order_is_sent_the_same_way_whoever_asks(mode, weight, order, epoch):
    assert route(mode, weight).choose(order) is route(mode, weight, epoch).choose(order)


@given(modes, weights, weights, order_ids)
def test_a_growing_weight_takes_no_order_back(mode, one, other, order):
    if route(mode, min(one, other)).choose(order) is mode:
        assert route(mode, max(one, other)).choose(order) is mode


@given(modes, weights, order_ids)
def test_a_weight_and_its_complement_are_not_the_same_orders(mode, weight, order):
    """60 % of one mode is not 40 % of the other, order by order: a switch is a new decision."""
    chosen = route(mode, weight).choose(order)
    assert (chosen is mode) == (bucket(order) < weight)
    assert 0 <= bucket(order) < 100


def test_order_ids_are_uuids_of_version_7():
    for _ in range(200):
        found = UUID(new_order_id())
        assert (found.version, found.variant) == (7, "specified in RFC 4122")


def test_order_ids_grow_with_time():
    found = []
    for _ in range(5):
        found.append(new_order_id())
        time.sleep(0.002)
    assert found == sorted(found)


def test_an_order_id_tells_when_it_was_made():
    before = time.time_ns() // 1_000_000
    made = UUID(new_order_id()).int >> 80
    assert before <= made <= time.time_ns() // 1_000_000


def test_order_ids_do_not_repeat():
    assert len({new_order_id() for _ in range(10_000)}) == 10_000


def nudged(status, reason=None, nudges=1):
    return nudge((ORDER_ID, "c", status, reason, "choreography", 3, nudges, "trace"))


def test_an_order_that_is_overdue_has_its_end_told_again_or_is_asked_about():
    assert nudged("pending").type == "OrderExpired"
    assert nudged("confirmed").type == "OrderConfirmed"
    assert nudged("rejected", "cancelled").type == "OrderRejected"


@given(st.integers(1, 1_000))
def test_each_nudge_is_a_new_message_of_the_same_saga(nudges):
    message = nudged("pending", nudges=nudges)
    assert message.id == f"{ORDER_ID}:OrderExpired:{nudges + 1}"
    assert (message.mode, message.epoch, message.traceparent) == ("choreography", 3, "trace")


@given(modes, weights)
def test_the_shares_of_both_modes_are_all_there_is(mode, weight):
    assert route(mode, weight).share(mode) == weight
    assert sum(route(mode, weight).share(each) for each in Mode) == 100
