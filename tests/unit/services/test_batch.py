"""One batch, one transaction: all of it or nothing, then told; and no message takes others down."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kit.faults import Fault, Rule
from services.kit.wire import Record
from services.messages import Item, ReleaseStock, ReserveStock, ShipStock
from tests.simulator.database import away, faster
from tests.unit.services.builders import ORDER_ID, a_message, an_order, order_id
from tests.unit.services.desk import Desk, Died

GARBAGE = Record("inventory.commands", "", "inventory.commands-0-7", "", [("x", b"y")], b"\xff")


@pytest.fixture
def desk():
    return Desk()


def reserve(order=ORDER_ID, **how):
    return a_message(ReserveStock(order_id=order, items=(Item("guitar", 1),)), **how)


def poison(order=ORDER_ID):
    """It can be read, and cannot be done: nothing is reserved."""
    return a_message(ShipStock(order_id=order))


def test_effect_inbox_and_outbox_commit_together(desk):
    desk.process(reserve())
    assert desk.moves == [(ORDER_ID, "reserved")]
    assert list(desk.store.inbox) == [reserve().id]
    assert desk.told() == ["StockReserved:1"]


def test_a_crash_before_the_commit_leaves_nothing(desk):
    desk.mishaps.coming["before_commit"] = [Died()]
    with pytest.raises(Died):
        desk.process(reserve())
    assert (desk.moves, desk.store.inbox, desk.store.outbox, desk.published) == ([], {}, {}, [])


def test_a_crash_between_commit_and_publish_publishes_once(desk):
    desk.mishaps.coming["after_commit"] = [Died()]
    with pytest.raises(Died):
        desk.process(reserve())
    assert desk.published == []
    desk.process(reserve())
    assert desk.moves == [(ORDER_ID, "reserved")]
    assert desk.told() == ["StockReserved:1"]


def test_a_duplicate_does_nothing_once_its_outcome_is_known_to_the_broker(desk):
    desk.process(reserve())
    desk.acknowledge()
    desk.process(reserve())
    assert desk.told() == ["StockReserved:1"]
    assert desk.moves == [(ORDER_ID, "reserved")]


def test_what_is_resent_goes_before_what_is_new(desk):
    desk.mishaps.coming["after_commit"] = [Died()]
    with pytest.raises(Died):
        desk.process(reserve())
    desk.process(reserve(), a_message(ReleaseStock(order_id=ORDER_ID, reason="cancelled")))
    assert desk.told() == ["StockReserved:1", "StockReleased:1"]


def test_a_message_twice_in_one_batch_is_done_once(desk):
    desk.process(reserve(), reserve())
    assert desk.moves == [(ORDER_ID, "reserved")]
    assert desk.told() == ["StockReserved:1"]


@pytest.mark.parametrize("moment", ["before_transaction", "before_commit", "after_commit"])
def test_while_the_database_is_away_the_batch_can_be_tried_again(desk, moment):
    desk.mishaps.coming[moment] = [away()]
    with pytest.raises(type(away())):
        desk.process(reserve(), poison(order_id(2)))
    desk.process(reserve(), poison(order_id(2)))
    assert desk.moves == [(ORDER_ID, "reserved")]
    assert len(desk.letters) == 1


def test_a_batch_that_a_replica_was_faster_at_is_done_again_at_once(desk):
    desk.mishaps.coming["before_commit"] = [faster()]
    desk.process(reserve())
    assert desk.moves == [(ORDER_ID, "reserved")]
    assert desk.letters == []


def test_a_poisonous_message_is_dead_lettered_and_the_others_have_their_effect(desk):
    desk.process(reserve(order_id(1)), poison(order_id(2)), reserve(order_id(3)))
    assert [order for order, _ in desk.moves] == [order_id(1), order_id(3)]
    (letter,) = desk.letters
    assert letter.message_id == poison(order_id(2)).id
    reason = dict(letter.headers)["bandstand-reason"]
    assert reason == b"Violation: shipping what is not reserved"


def test_a_poisonous_message_that_comes_again_is_buried_once(desk):
    for _ in range(3):
        desk.process(poison())
        desk.acknowledge()
    assert len(desk.letters) == 1


def test_two_replicas_that_fail_at_the_same_message_bury_it_once(desk):
    """The other one is faster between our failure and our burial."""
    desk.mishaps.coming["before_transaction"] = [lambda: None, lambda: desk.process(poison())]
    desk.process(poison())
    assert len(desk.letters) == 1


def test_a_body_that_cannot_be_read_is_poison_too(desk):
    desk.process(msgspec.structs.replace(reserve(), value=b'{"order_id": 1}'), reserve(order_id(2)))
    assert len(desk.letters) == 1
    assert desk.moves == [(order_id(2), "reserved")]


def test_what_cannot_be_read_is_dead_lettered_once(desk):
    for _ in range(2):
        desk.process(reserve(), unreadable=[(GARBAGE, "no header ce_id")])
    (letter,) = desk.letters
    assert letter.value == GARBAGE.value
    assert dict(letter.headers)["bandstand-original-topic"] == b"inventory.commands"
    assert desk.moves == [(ORDER_ID, "reserved")]


def test_what_cannot_be_read_survives_a_poisoned_batch(desk):
    desk.process(poison(), reserve(order_id(2)), unreadable=[(GARBAGE, "why")])
    assert {letter.message_id for letter in desk.letters} == {poison().id, GARBAGE.message_id}


def test_a_transient_failure_waits_in_the_parking_and_says_when(desk):
    desk = Desk(Rule(Fault.FAIL, 100, "ReserveStock"))
    desk.process(reserve())
    assert desk.moves == []
    assert desk.hurries == [0.05]
    assert desk.store.due(10) == []
    desk.clock.now = 0.06
    assert [(message.id, tries) for message, tries in desk.store.due(10)] == [(reserve().id, 1)]


def test_a_parked_message_is_resumed_once_by_whoever_takes_it_first(desk):
    desk = Desk(Rule(Fault.DELAY, 100, delay_ms=10))
    desk.process(reserve())
    desk.clock.now = 1.0
    due = desk.store.due(10)
    desk.processor.resume(due)
    desk.acknowledge()
    desk.processor.resume(due)
    assert desk.moves == [(ORDER_ID, "reserved")]
    assert desk.told() == ["StockReserved:1"]
    assert desk.store.parked == {}


def test_a_duplicate_of_a_parked_message_waits_with_it(desk):
    desk = Desk(Rule(Fault.DELAY, 100, delay_ms=10))
    desk.process(reserve())
    desk.process(reserve())
    assert len(desk.store.parked) == 1
    assert desk.moves == []


def test_a_parked_message_that_turns_out_poisonous_leaves_the_parking(desk):
    desk = Desk(Rule(Fault.DELAY, 100, delay_ms=10))
    desk.process(poison())
    desk.clock.now = 1.0
    desk.processor.resume(desk.store.due(10))
    assert len(desk.letters) == 1
    assert desk.store.parked == {}


def test_the_faults_that_crash_come_at_their_moments():
    before = Desk(Rule(Fault.CRASH_BEFORE_COMMIT, 100))
    after = Desk(Rule(Fault.CRASH_AFTER_COMMIT, 100))
    for desk in (before, after):
        with pytest.raises(Died):
            desk.process(reserve())
        assert desk.published == []
    assert (before.moves, after.moves) == ([], [(ORDER_ID, "reserved")])


def test_the_fault_that_publishes_twice_does_so():
    desk = Desk(Rule(Fault.DUPLICATE_PUBLISH, 100, "StockReserved"))
    desk.process(reserve())
    assert desk.told() == ["StockReserved:1"]
    assert desk.twice == desk.published


def test_in_choreography_the_event_itself_is_what_the_inbox_knows(desk):
    desk.process(a_message(an_order()))
    desk.process(a_message(an_order()))
    assert list(desk.store.inbox) == [f"{ORDER_ID}:OrderPlaced:1"]
    assert desk.moves == [(ORDER_ID, "reserved")]


messages = st.lists(
    st.one_of(
        st.builds(lambda n: reserve(order_id(n)), st.integers(1, 4)),
        st.builds(lambda n: poison(order_id(n)), st.integers(5, 8)),
    ),
    max_size=12,
)


@given(messages, st.integers(1, 5), st.randoms(use_true_random=False))
def test_however_a_log_is_cut_into_batches_and_read_again_the_outcome_is_the_same(
    log, size, random
):
    desk = Desk()
    for start in range(0, len(log), size):
        again = log[random.randint(0, start) : start]
        desk.process(*again, *log[start : start + size])
    good = dict.fromkeys(m.saga_id for m in log if m.type == "ReserveStock")
    bad = dict.fromkeys(m.id for m in log if m.type == "ShipStock")
    assert desk.moves == [(order, "reserved") for order in good]
    assert list(dict.fromkeys(letter.message_id for letter in desk.letters)) == list(bad)
