"""Handled or buried, once; and so is a replay of what was buried, however often it comes."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kit.broker import _new_topic
from services.kit.dead_letters import as_read, dead_letter, is_for, letter_id, replayed
from services.kit.faults import Fault, Rule
from services.kit.message import Mode
from services.kit.settings import Settings
from services.kit.wire import Record, from_record, to_record
from services.messages import Item, ReserveStock, ShipStock
from tests.unit.services.builders import ORDER_ID, a_message, order_id
from tests.unit.services.desk import Desk

GARBAGE = Record("inventory.commands", "", "inventory.commands-0-7", "", [("x", b"y")], b"\xff")


class Acknowledged(Desk):
    """The broker has at once what is published, so that nothing is told again."""

    def publish(self, rows, twice=()):
        super().publish(rows, twice)
        self.acknowledge()


@pytest.fixture
def desk():
    return Acknowledged()


def reserve(order=ORDER_ID):
    return a_message(ReserveStock(order_id=order, items=(Item("guitar", 1),)))


def ship(order=ORDER_ID, **how):
    """Poison for as long as nothing is reserved."""
    return a_message(ShipStock(order_id=order), **how)


def about(letter):
    return {name: value.decode() for name, value in letter.headers if name.startswith("bandstand")}


def replay(letter):
    """What comes from the original topic once an operator has replayed this letter."""
    said = about(letter)
    headers = replayed(letter.headers, said["bandstand-reader"], said["bandstand-dead-letter"])
    return from_record(said["bandstand-original-topic"], headers, letter.value)


def test_a_dead_letter_keeps_the_original_and_says_why():
    original = to_record(a_message(), "parent")
    letter = dead_letter("order.dead-letter", "order", "receipt", original, "because")
    assert (letter.topic, letter.key, letter.parent) == ("order.dead-letter", original.key, None)
    assert (letter.value, letter.message_id) == (original.value, original.message_id)
    assert letter.headers[: len(original.headers)] == original.headers
    assert about(letter) == {
        "bandstand-reason": "because",
        "bandstand-reader": "order",
        "bandstand-dead-letter": letter_id("order", "receipt"),
        "bandstand-original-topic": original.topic,
    }


def test_a_dead_letter_says_where_on_its_topic_the_original_is(desk):
    desk.process(msgspec.structs.replace(ship(), place=(3, 41)))
    (letter,) = desk.letters
    found = about(letter)
    assert found["bandstand-original-partition"] == "3"
    assert found["bandstand-original-offset"] == "41"


def test_a_replay_is_the_original_with_its_address():
    original = to_record(a_message(traceparent="t", tracestate="s"))
    letter = dead_letter("l", "inventory", "r", as_read(original, (0, 1)), "because")
    assert replayed(letter.headers, "inventory", "0123456789ab") == [
        *original.headers,
        ("bandstand-replay", b"inventory/0123456789ab"),
    ]


def test_a_replay_is_for_the_reader_that_buried_it():
    assert is_for("order", "order/0123456789ab")
    assert not is_for("order", "order@timeline/0123456789ab")
    assert not is_for("order@timeline", "order/0123456789ab")
    assert is_for("order", None)


def test_what_was_buried_is_handled_by_a_replay_and_not_by_a_resend(desk):
    desk.process(ship())
    desk.process(reserve())
    desk.process(ship())
    assert desk.moves == [(ORDER_ID, "reserved")]
    desk.process(replay(desk.letters[0]))
    assert desk.moves == [(ORDER_ID, "reserved"), (ORDER_ID, "shipped")]


def test_a_letter_that_is_replayed_twice_is_handled_once(desk):
    desk.process(ship())
    desk.process(reserve())
    twice = replay(desk.letters[0])
    desk.process(twice, twice)
    desk.process(twice)
    assert desk.told().count("StockShipped:1") == 1


def test_a_replay_that_fails_again_is_another_letter_that_names_the_first(desk):
    desk.process(ship())
    first = desk.letters[0]
    for _ in range(2):
        desk.process(replay(first))
    _, second = desk.letters
    assert second.message_id == first.message_id
    first_id = about(first)["bandstand-dead-letter"]
    assert about(second)["bandstand-replay"] == f"inventory/{first_id}"
    assert about(second)["bandstand-dead-letter"] != first_id


def test_a_resend_of_the_original_in_the_batch_of_its_replay_does_not_take_its_place():
    """Were the resend parked instead, its next burial would be taken for the first one."""
    desk = Acknowledged(Rule(Fault.DELAY, 100, delay_ms=10))
    desk.process(ship())
    desk.clock.now = 1.0
    desk.processor.resume(desk.store.due(10))
    desk.process(ship(), replay(desk.letters[0]))
    desk.clock.now = 2.0
    desk.processor.resume(desk.store.due(10))
    first, second = map(about, desk.letters)
    assert first["bandstand-dead-letter"] != second["bandstand-dead-letter"]


def test_what_cannot_be_read_is_buried_once_a_replay(desk):
    desk.process(unreadable=[(GARBAGE, "why")])
    first = about(desk.letters[0])["bandstand-dead-letter"]
    again = msgspec.structs.replace(GARBAGE, message_id=f"inventory/{first}")
    for _ in range(2):
        desk.process(unreadable=[(again, "why")])
    assert len({about(letter)["bandstand-dead-letter"] for letter in desk.letters}) == 2
    assert len(desk.letters) == 2


def test_two_readers_of_one_service_have_letters_of_their_own():
    assert letter_id("order", "m") != letter_id("order@timeline", "m")


def test_dead_letters_are_kept_for_good_and_other_records_less_long_than_inboxes_know_them():
    settings = Settings(database_url="", kafka="")
    letters = _new_topic("inventory.dead-letter", settings).topic_configs
    assert letters == {"retention.ms": "-1", "retention.bytes": "-1"}
    kept = _new_topic("inventory.commands", settings).topic_configs
    longest_ms = int(kept["retention.ms"]) + int(kept["segment.ms"])
    assert longest_ms < settings.inbox_retention_seconds * 1_000


turns = st.lists(
    st.tuples(st.sampled_from(["ship", "reserve", "replay"]), st.integers(1, 3), st.booleans()),
    max_size=25,
)


@given(turns, st.sampled_from(Mode))
def test_however_letters_and_originals_come_each_effect_happens_once(turns, mode):
    """In any order and grouping: deliveries, the end of what was wrong, replays of any letter."""
    desk, batch, seen = Acknowledged(), [], set()
    for what, number, at_once in turns:
        letters = desk.letters
        if what == "replay":
            batch += [replay(letters[number % len(letters)])] if letters else []
        elif what == "ship":
            batch.append(ship(order_id(number), mode=mode))
        else:
            batch.append(reserve(order_id(number)))
        seen.add((what, number))
        if at_once:
            desk.process(*batch)
            batch = []
    desk.process(*batch)
    expect_each_effect_once(desk, seen)


def expect_each_effect_once(desk, seen):
    """Once nothing is wrong any more and everything was replayed, twice."""
    desk.process(*(reserve(order_id(number)) for number in range(1, 4)))
    before = len(desk.letters)
    for _ in range(2):
        desk.process(*map(replay, desk.letters))
    assert len(desk.letters) == before
    ids = [about(letter)["bandstand-dead-letter"] for letter in desk.letters]
    assert len(set(ids)) == len(ids)
    shipped = [order for order, move in desk.moves if move == "shipped"]
    assert sorted(shipped) == sorted(order_id(n) for what, n in seen if what == "ship")
    told = [record.message_id for record in desk.published if ":StockShipped:" in record.message_id]
    assert len(told) == len(set(told)) == len(shipped)
