"""Records of dead-letter topics, with defaults for what a test does not care about."""

from datetime import UTC, datetime, timedelta

import msgspec

from lab.letters.letter import Found
from services.kit.dead_letters import (
    RESOLUTION,
    Resolution,
    Resolved,
    as_read,
    dead_letter,
    letter_id,
    topic_of_letters,
)
from services.kit.message import Epoch, Mode, SagaId, compose, message_id
from services.kit.wire import Record, to_record
from services.messages import StockReserved

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
ORDER = SagaId("00000000-0000-4000-8000-000000000001")
TRACE = "0af7651916cd43dd8448eb211c80319c"
GARBAGE = Record("inventory.commands", "k", "inventory.commands-0-7", "", [("x", b"y")], b"\xff")


def an_id(number=1, service="shipping", order=ORDER):
    return letter_id(service, message_id(order, "StockReserved", number))


def found(record, second=0, number=0):
    """No two records are at one place."""
    at = NOON + timedelta(seconds=second)
    key = record.key.encode()
    offset = 100 * number + second
    return Found(record.topic, 0, offset, at, record.headers, record.value, key)


def a_burial(
    number=1,
    second=0,
    service="shipping",
    order=ORDER,
    mode=Mode.CHOREOGRAPHY,
    reason="Violation: no",
    replay=None,
):
    """`number` is the attempt, so that each has an id of its own."""
    message = compose(
        StockReserved(order_id=order),
        source="inventory",
        mode=mode,
        epoch=Epoch(1),
        attempt=number,
        traceparent=f"00-{TRACE}-b7ad6b7169203331-01",
    )
    message = msgspec.structs.replace(
        message, time=NOON.isoformat(), replay=replay and f"{service}/{replay}"
    )
    original = as_read(to_record(message), (2, 40 + number))
    topic = topic_of_letters(service)
    return found(dead_letter(topic, service, message.receipt, original, reason), second, number)


def garbage(second=0):
    topic = "inventory.dead-letter"
    return found(dead_letter(topic, "inventory", "place", GARBAGE, "no header ce_id"), second)


def a_resolution(letter, second=1, resolved=Resolved.REPLAYED, reason=None):
    value = msgspec.json.encode(Resolution(letter, resolved, reason))
    headers = [(RESOLUTION, resolved.encode())]
    return found(Record("shipping.dead-letter", letter, letter, "", headers, value), second)


def discarded(letter, second=1, reason="a test order"):
    return a_resolution(letter, second, Resolved.DISCARDED, reason)
