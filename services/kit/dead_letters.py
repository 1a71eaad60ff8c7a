"""Dead letters: what a reader could not handle, kept so that it can be sent again.

What must stay true: a message is either handled or buried, once, by each of its readers. The
inbox decides it: a burial takes the message's receipt just as its effect would have. A replay is
the original with one header more, `bandstand-replay: <reader>/<letter>`. It is addressed: that
reader alone acts upon it. And it has a receipt of its own, made from the letter it is sent from,
so that however often a letter is replayed, it is handled or buried anew, once.

A letter's id is made from its reader and from the receipt of what was buried. So one that is
published twice, after a crash, is still one letter; and what a replay comes to is another one.

What became of a letter is said on the same topic, by a `Resolution`. A letter and its resolutions
are never changed and may be read in any order: they add up to the same state for everybody.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from hashlib import blake2b

import msgspec

from services.kit.wire import REPLAY, Headers, Record

OURS = "bandstand-"
LETTER = "bandstand-dead-letter"
READER = "bandstand-reader"
REASON = "bandstand-reason"
ORIGINAL_TOPIC = "bandstand-original-topic"
ORIGINAL_PARTITION = "bandstand-original-partition"
ORIGINAL_OFFSET = "bandstand-original-offset"
RESOLUTION = "bandstand-resolution"
SUFFIX = ".dead-letter"


class Resolved(StrEnum):
    REPLAYED = "replayed"
    DISCARDED = "discarded"


class Resolution(msgspec.Struct, frozen=True):
    """The value of a record whose header `bandstand-resolution` says the same as `resolved`; its
    key is the letter's id."""

    letter: str
    resolved: Resolved
    reason: str | None = None


def topic_of_letters(service: str) -> str:
    return service + SUFFIX


def letter_id(reader: str, receipt: str) -> str:
    """Short enough to be typed: 48 bits."""
    return blake2b(f"{reader}\x1f{receipt}".encode(), digest_size=6).hexdigest()


def as_read(original: Record, place: tuple[int, int] | None) -> Record:
    """Whoever looks for its neighbours on the topic finds them."""
    if place is None:
        return original
    partition, offset = place
    found = {ORIGINAL_PARTITION: partition, ORIGINAL_OFFSET: offset}
    return _with_headers(original, {name: str(value) for name, value in found.items()})


def dead_letter(topic: str, reader: str, receipt: str, original: Record, reason: str) -> Record:
    """The original, with who could not handle it and why."""
    about = {
        LETTER: letter_id(reader, receipt),
        READER: reader,
        REASON: reason,
        ORIGINAL_TOPIC: original.topic,
    }
    letter = _with_headers(original, about)
    return msgspec.structs.replace(letter, topic=topic, parent=None)


def replayed(headers: Iterable[tuple[str, bytes]], reader: str, letter: str) -> Headers:
    """The headers of a letter's original, sent again to the one reader that buried it."""
    original = [(name, value) for name, value in headers if not name.startswith(OURS)]
    return [*original, (REPLAY, f"{reader}/{letter}".encode())]


def is_for(reader: str, replay: str | None) -> bool:
    """What is no replay is for everybody."""
    return replay is None or replay.startswith(f"{reader}/")


def group_of(reader: str) -> str:
    """The consumer group whose offsets tell how far this reader has read."""
    return reader.replace("@", "-")


def _with_headers(record: Record, more: dict[str, str]) -> Record:
    added: Headers = [(name, value.encode()) for name, value in more.items()]
    return msgspec.structs.replace(record, headers=[*record.headers, *added])
