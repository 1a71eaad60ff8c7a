"""A message survives the wire unchanged, and what is no message says so instead of crashing."""

import json
import re
import string
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kit.message import MalformedMessage, Mode, follow_up
from services.kit.wire import REPLAY_PATTERN, from_record, to_headers, to_record
from services.messages import KINDS, OrderCancelRequested, StockReserved, vocabulary
from tests.unit.services.builders import ORDER_ID, a_message, an_order, order_id

WORDS = vocabulary()
REQUIRED = ["ce_id", "ce_type", "ce_source", "ce_subject", "ce_time", "ce_mode", "ce_epoch"]

texts = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=20)
traces = st.none() | st.just("00-" + "a" * 32 + "-" + "b" * 16 + "-01")
messages = st.builds(
    a_message,
    st.builds(an_order, st.builds(order_id, st.integers(0, 2**100)), st.integers(0, 10**9)),
    mode=st.sampled_from(Mode),
    attempt=st.integers(1, 999_999_999),
    source=texts.filter(bool),
    epoch=st.integers(0, 2**31 - 1),
    traceparent=traces,
    tracestate=st.none() | texts.filter(bool),
)
replays = st.none() | st.from_regex(re.compile(REPLAY_PATTERN), fullmatch=True)


def headers_with(**changed: bytes | None) -> list[tuple[str, bytes]]:
    headers = {**dict(to_headers(a_message())), **changed}
    return [(name, value) for name, value in headers.items() if value is not None]


@given(messages, replays)
def test_a_message_is_the_same_after_the_wire(message, replay):
    message = msgspec.structs.replace(message, replay=replay)
    assert from_record(message.topic, to_headers(message), message.value) == message


@given(messages)
def test_a_record_is_keyed_by_its_saga(message):
    record = to_record(message, "parent")
    assert (record.key, record.message_id, record.parent) == (message.saga_id, message.id, "parent")


@given(st.lists(st.tuples(st.sampled_from([*REQUIRED, "x"]), st.binary(max_size=40))), st.binary())
def test_garbage_is_a_malformed_message_or_none_at_all(headers, value):
    with pytest.raises(MalformedMessage):
        from_record("orders.events", headers, value)


@given(st.sampled_from(REQUIRED), st.binary(max_size=60))
def test_one_header_of_garbage_is_malformed_or_harmless(name, garbage):
    try:
        message = from_record("orders.events", headers_with(**{name: garbage}), b"{}")
    except MalformedMessage:
        return
    assert message.saga_id == ORDER_ID
    assert 0 <= message.epoch < 2**31
    assert message.sent_at().timestamp() < 1e12


@pytest.mark.parametrize("name", REQUIRED)
def test_a_missing_header_is_named(name):
    with pytest.raises(MalformedMessage, match=f"header {name} is missing"):
        from_record("orders.events", headers_with(**{name: None}), b"{}")


@pytest.mark.parametrize(
    "changed",
    [
        {"ce_epoch": b"2147483648"},
        {"ce_epoch": b"-1"},
        {"ce_epoch": b"one"},
        {"ce_mode": b"karaoke"},
        {"ce_time": b"yesterday"},
        {"ce_time": b"0001-01-01T00:00:00"},
        {"ce_id": f"{ORDER_ID}:OrderPlaced:0".encode()},
        {"ce_id": f"{ORDER_ID}:OrderPlaced".encode()},
        {"ce_id": f"{ORDER_ID}:StockReserved:1".encode()},
        {"ce_subject": str(order_id(2)).encode()},
        {"ce_type": b"\xff"},
        {"bandstand-replay": b"inventory"},
        {"bandstand-replay": b"inventory/\x00"},
    ],
)
def test_what_could_never_be_stored_is_malformed(changed):
    """It must not reach a transaction: even its burial would fail, and the process with it."""
    with pytest.raises(MalformedMessage):
        from_record("orders.events", headers_with(**changed), b"{}")


@given(st.binary(max_size=200), st.sampled_from([kind.__name__ for kind in KINDS]))
def test_a_body_of_garbage_is_malformed(value, kind):
    with pytest.raises(MalformedMessage):
        WORDS.decode(kind, value, ORDER_ID)


def test_a_body_about_another_order_is_malformed():
    with pytest.raises(MalformedMessage, match="order_id"):
        WORDS.decode("OrderPlaced", a_message(an_order(order_id(2))).value, ORDER_ID)


@given(st.dictionaries(st.text(string.ascii_lowercase, min_size=9, max_size=12), st.integers()))
def test_unknown_fields_are_ignored(unknown):

    value = json.dumps({"order_id": ORDER_ID, **unknown}).encode()
    assert WORDS.decode("StockReserved", value, ORDER_ID) == StockReserved(order_id=ORDER_ID)


def test_a_follow_up_inherits_the_saga_from_its_cause():
    cause = a_message(mode=Mode.ORCHESTRATION, attempt=3, epoch=7, traceparent="t", tracestate="s")
    found = follow_up(cause, OrderCancelRequested(order_id=ORDER_ID), source="order")
    assert found.id == f"{ORDER_ID}:OrderCancelRequested:3"
    assert (found.mode, found.epoch, found.attempt) == (Mode.ORCHESTRATION, 7, 3)
    assert (found.traceparent, found.tracestate) == ("t", "s")


def test_a_message_is_dated_in_utc():
    before = datetime.now(UTC)
    assert before <= a_message().sent_at() <= datetime.now(UTC)
