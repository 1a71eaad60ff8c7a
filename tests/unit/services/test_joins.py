"""The same facts come to the same command, in whatever order they are heard."""

from itertools import permutations
from types import SimpleNamespace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.inventory.service import PLAYBOOK as INVENTORY
from services.kit.faults import Faults
from services.kit.handling import Playbook
from services.kit.message import Mode
from services.kit.participant import Participant
from services.kit.session import Merged
from services.messages import (
    EVENTS,
    ArrangeShipment,
    CancelShipment,
    ConfirmOrder,
    OrderCancelRequested,
    OrderExpired,
    PaymentAuthorized,
    PaymentCaptured,
    PaymentDeclined,
    PaymentVoided,
    RejectOrder,
    ReleaseStock,
    ReserveStock,
    StockRejected,
    StockReleased,
    StockReserved,
    StockShipped,
    VoidPayment,
)
from services.notification.service import PLAYBOOK as NOTIFICATION
from services.order.service import PLAYBOOK as ORDERS
from services.payment.service import PLAYBOOK as PAYMENT
from services.shipping.service import PLAYBOOK as SHIPPING
from tests.simulator.database import Clock, MemoryDatabase, Store
from tests.simulator.services import WORDS
from tests.unit.services.builders import ORDER_ID, a_message, an_order, order_id

PLAYBOOKS = {
    "order": ORDERS,
    "inventory": INVENTORY,
    "payment": PAYMENT,
    "shipping": SHIPPING,
    "notification": NOTIFICATION,
}
READY = [
    an_order(country="NL"),
    StockReserved(order_id=ORDER_ID),
    PaymentAuthorized(order_id=ORDER_ID, amount_cents=39_900),
]
ARRANGE = ArrangeShipment(order_id=ORDER_ID, ship_to=an_order(country="NL").ship_to)
DONE = [
    PaymentCaptured(order_id=ORDER_ID, amount_cents=1),
    StockShipped(order_id=ORDER_ID),
]


class Listener:
    """A participant that notes its commands instead of executing them."""

    def __init__(self, playbook: Playbook) -> None:
        self.database = MemoryDatabase(Store(Clock(), None))
        self.participant = Participant("test", playbook, WORDS, None, Faults())
        self.works: list[tuple[object, int]] = []

    def hear(self, *messages):
        """One batch, as `execute` goes about it."""
        listener, works = self.participant, []
        batch = [(message, 0) for message in messages]
        with self.database.transaction() as session:
            heard = listener._joins(batch)
            merged = session.merge_facts(heard) if heard else Merged({}, {})
            works = listener._works(batch, merged)
        self.works += [(work.command, work.attempt) for work in works]

    @property
    def commands(self):
        return [command for command, _ in self.works]


def batches_of(items):
    """The same messages in the same order, cut into batches anyhow."""
    cuts = st.lists(st.booleans(), min_size=len(items), max_size=len(items))
    return cuts.map(lambda ends: _cut(items, ends))


def _cut(items, ends):
    batches = [[]]
    for item, end in zip(items, ends, strict=True):
        batches[-1].append(item)
        if end:
            batches.append([])
    return [batch for batch in batches if batch]


def heard_in_any_order(bodies):
    """Every body at least once, some again, in any order, in any batches."""
    again = st.lists(st.sampled_from(bodies), max_size=3)
    orders = again.flatmap(lambda more: st.permutations([*bodies, *more]))
    return orders.flatmap(lambda order: batches_of([a_message(body) for body in order]))


@given(heard_in_any_order(READY))
def test_a_shipment_is_arranged_once_all_is_ready_in_whatever_order(batches):
    listener = Listener(SHIPPING)
    heard = set()
    for batch in batches:
        was_complete = len(heard) == len(READY)
        heard |= {message.type for message in batch}
        before = len(listener.commands)
        listener.hear(*batch)
        found = listener.commands[before:]
        if len(heard) < len(READY):
            assert found == []
        elif not was_complete:
            assert found == [ARRANGE]
        assert set(found) <= {ARRANGE}
    assert ARRANGE in listener.commands


@given(heard_in_any_order(DONE))
def test_an_order_is_confirmed_once_all_is_done_in_whatever_order(batches):
    listener = Listener(ORDERS)
    for batch in batches:
        listener.hear(*batch)
    assert set(listener.commands) == {ConfirmOrder(order_id=ORDER_ID)}


REJECTIONS = [
    (StockRejected, PaymentVoided, "out_of_stock", "elsewhere", "out_of_stock"),
    (StockReleased, PaymentDeclined, "elsewhere", "card_declined", "card_declined"),
    (StockRejected, PaymentDeclined, "out_of_stock", "card_declined", "out_of_stock"),
    (StockReleased, PaymentVoided, "cancelled", "cancelled", "cancelled"),
]


@pytest.mark.parametrize(("stock", "payment", "of_stock", "of_payment", "reason"), REJECTIONS)
def test_an_order_is_rejected_for_the_reason_of_whoever_failed(
    stock, payment, of_stock, of_payment, reason
):
    bodies = [
        stock(order_id=ORDER_ID, reason=of_stock),
        payment(order_id=ORDER_ID, reason=of_payment),
    ]
    for order in permutations(bodies):
        listener = Listener(ORDERS)
        for body in order:
            listener.hear(a_message(body))
        assert listener.commands == [RejectOrder(order_id=ORDER_ID, reason=reason)]


@given(st.permutations(READY), st.permutations([2, 5, 3]))
def test_a_join_continues_the_latest_attempt_it_knows_of(bodies, attempts):
    listener = Listener(SHIPPING)
    for body, attempt in zip(bodies, attempts, strict=True):
        listener.hear(a_message(body, attempt=attempt))
    assert listener.works == [(ARRANGE, 5)]


UNDONE = [
    event(order_id=ORDER_ID, reason="r")
    for event in (StockRejected, StockReleased, PaymentDeclined, PaymentVoided)
]


def heard_round_by_round(rounds):
    """Whatever says that all is undone, in any order and batches, and once more in each round."""
    orders = st.tuples(*(st.permutations(UNDONE) for _ in range(rounds)))
    return orders.flatmap(
        lambda each: batches_of(
            [
                a_message(body, attempt=attempt)
                for attempt, bodies in enumerate(each, start=1)
                for body in bodies
            ]
        )
    )


@given(heard_round_by_round(3))
def test_a_join_is_done_once_for_each_attempt_however_many_complete_it(batches):
    listener = Listener(ORDERS)
    for batch in batches:
        listener.hear(*batch)
    attempts = [attempt for _, attempt in listener.works]
    assert attempts == sorted(set(attempts))
    assert attempts[-1] == 3


@pytest.mark.parametrize("replay", [None, "order/0123456789ab"])
@given(st.permutations(UNDONE))
def test_a_join_is_done_for_what_completed_it_also_when_that_comes_again(replay, bodies):
    """It was put off, or buried when its turn came, while the others were heard."""
    listener, completed_it = Listener(ORDERS), None
    for message in map(a_message, bodies):
        listener.hear(message)
        completed_it = completed_it or (message if listener.works else None)
    assert len(listener.works) == 1
    listener.hear(msgspec.structs.replace(completed_it, replay=replay))
    assert len(listener.works) == 2
    assert len(set(listener.works)) == 1


@given(st.permutations(UNDONE))
def test_a_join_is_done_for_the_next_one_where_what_completed_it_was_buried(bodies):
    """Burial rolls back what was heard."""
    listener, complete = Listener(ORDERS), None
    for message in map(a_message, bodies):
        facts = listener.database.store.facts
        before = dict(facts)
        listener.hear(message)
        if complete is None and listener.works:
            complete = message
            listener.works.clear()
            facts.clear()
            facts.update(before)
    listener.hear(msgspec.structs.replace(complete, replay="order/0123456789ab"))
    assert len(listener.works) == 1


def test_orders_do_not_meet_in_a_join():
    listener = Listener(ORDERS)
    listener.hear(a_message(PaymentCaptured(order_id=order_id(1), amount_cents=1)))
    listener.hear(a_message(StockShipped(order_id=order_id(2))))
    assert listener.commands == []


def test_both_halves_in_one_batch_come_to_one_command():
    listener = Listener(ORDERS)
    listener.hear(*map(a_message, DONE))
    assert listener.commands == [ConfirmOrder(order_id=ORDER_ID)]


@given(st.sampled_from(sorted(PLAYBOOKS)), st.sampled_from([event.__name__ for event in EVENTS]))
def test_in_orchestration_nobody_reacts(service, kind):
    participant = Participant(service, PLAYBOOKS[service], WORDS, None, Faults())
    message = SimpleNamespace(type=kind, mode=Mode.ORCHESTRATION)
    assert not participant.concerns(message)
    assert participant._reaction(message) is None


@pytest.mark.parametrize(
    ("service", "event", "command"),
    [
        ("inventory", an_order(), ReserveStock(order_id=ORDER_ID, items=an_order().items)),
        (
            "inventory",
            PaymentDeclined(order_id=ORDER_ID, reason="r"),
            ReleaseStock(order_id=ORDER_ID, reason="r"),
        ),
        (
            "payment",
            StockRejected(order_id=ORDER_ID, reason="r"),
            VoidPayment(order_id=ORDER_ID, reason="r"),
        ),
        (
            "shipping",
            OrderCancelRequested(order_id=ORDER_ID),
            CancelShipment(order_id=ORDER_ID, reason="cancelled"),
        ),
        (
            "shipping",
            OrderExpired(order_id=ORDER_ID),
            CancelShipment(order_id=ORDER_ID, reason="timed_out"),
        ),
    ],
)
def test_a_reaction_gives_what_it_heard_on_to_its_command(service, event, command):
    listener = Listener(PLAYBOOKS[service])
    listener.hear(a_message(event))
    assert listener.commands == [command]


def test_every_command_has_one_service_that_handles_it():
    handled = [kind for playbook in PLAYBOOKS.values() for kind in playbook.handlers]
    assert len(handled) == len(set(handled)) == 11
