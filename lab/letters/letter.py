"""Dead letters as they stand: everything that is on the dead-letter topics, added up.

A letter's state is not kept anywhere but there. It says `open` by being on the topic; a resolution
beside it says that it was replayed or discarded, when and why. Such records are only ever added, so
that no two of them can contradict each other on some machine's disk, a crash leaves nothing half
written, and whoever can reach the broker sees the same. What must stay true: the sum is the same
for any order of the records and however often each of them was published.
"""

import re
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

import msgspec

from services.kit.dead_letters import (
    LETTER,
    ORIGINAL_OFFSET,
    ORIGINAL_PARTITION,
    ORIGINAL_TOPIC,
    READER,
    REASON,
    RESOLUTION,
    SUFFIX,
    Resolution,
    Resolved,
    letter_id,
)
from services.kit.wire import REPLAY, Headers

_TRACE = re.compile(r"[0-9a-f]{2}-(?P<id>[0-9a-f]{32})-.*")


class State(StrEnum):
    OPEN = "open"
    REPLAYED = "replayed"
    DISCARDED = "discarded"


class Found(msgspec.Struct, frozen=True):
    """A record on a dead-letter topic."""

    topic: str
    partition: int
    offset: int
    at: datetime
    headers: Headers
    value: bytes
    key: bytes = b""

    @property
    def order(self) -> tuple[datetime, str, int, int]:
        return self.at, self.topic, self.partition, self.offset


class Original(msgspec.Struct, frozen=True):
    """Where it was read; letters of an older version do not say so exactly."""

    topic: str
    partition: int | None = None
    offset: int | None = None


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """`reader` is who could not handle it; `replay_of` the letter that it was replayed from. Of
    what cannot be read, little is known."""

    id: str
    service: str
    reader: str
    message_id: str | None
    type: str | None
    order_id: str | None
    mode: str | None
    reason: str
    at: datetime
    state: State = State.OPEN
    resolved_at: datetime | None = None
    resolved_because: str | None = None
    replay_of: str | None
    trace_id: str | None
    traceparent: str | None
    original: Original
    record: Found


def fold(records: Iterable[Found]) -> list[Letter]:
    """Each letter once, in the order of their burials."""
    letters: dict[str, Letter] = {}
    resolutions: dict[str, list[tuple[Found, Resolution]]] = {}
    for record in records:
        if any(name == RESOLUTION for name, _ in record.headers):
            if resolution := _resolution(record):
                resolutions.setdefault(resolution.letter, []).append((record, resolution))
        elif letter := _letter(record):
            known = letters.setdefault(letter.id, letter)
            letters[letter.id] = min(known, letter, key=_burial)
    found = (_resolved(letter, resolutions.get(letter.id, ())) for letter in letters.values())
    return sorted(found, key=_burial)


def _burial(letter: Letter) -> tuple[datetime, str, int, int]:
    return letter.record.order


def _resolved(letter: Letter, resolutions: Iterable[tuple[Found, Resolution]]) -> Letter:
    """What was replayed was sent, whoever has discarded it; the first to say so is believed."""
    said = min(resolutions, key=_weight, default=None)
    if said is None:
        return letter
    record, resolution = said
    return msgspec.structs.replace(
        letter,
        state=State(resolution.resolved),
        resolved_at=record.at,
        resolved_because=resolution.reason,
    )


def _weight(said: tuple[Found, Resolution]) -> tuple[bool, tuple[datetime, str, int, int]]:
    record, resolution = said
    return resolution.resolved is not Resolved.REPLAYED, record.order


def _resolution(record: Found) -> Resolution | None:
    """One that cannot be read resolves nothing: its letter is better shown than hidden."""
    try:
        return msgspec.json.decode(record.value, type=Resolution)
    except msgspec.DecodeError:
        return None


def _letter(record: Found) -> Letter | None:
    """None if no service of ours has written this."""
    said = {name: value.decode("utf-8", "replace") for name, value in record.headers}
    if ORIGINAL_TOPIC not in said:
        return None
    service = record.topic.removesuffix(SUFFIX)
    reader = said.get(READER, service)
    trace = _TRACE.fullmatch(said.get("traceparent", ""))
    return Letter(
        id=said.get(LETTER) or letter_id(reader, said.get("ce_id") or str(record.order)),
        service=service,
        reader=reader,
        message_id=said.get("ce_id"),
        type=said.get("ce_type"),
        order_id=said.get("ce_subject"),
        mode=said.get("ce_mode"),
        reason=said.get(REASON, ""),
        at=record.at,
        replay_of=said[REPLAY].rpartition("/")[2] if REPLAY in said else None,
        trace_id=trace["id"] if trace else None,
        traceparent=said.get("traceparent"),
        original=_original(said),
        record=record,
    )


def _original(said: dict[str, str]) -> Original:
    partition, offset = said.get(ORIGINAL_PARTITION, ""), said.get(ORIGINAL_OFFSET, "")
    if not (partition.isdecimal() and offset.isdecimal()):
        return Original(said[ORIGINAL_TOPIC])
    return Original(said[ORIGINAL_TOPIC], int(partition), int(offset))
