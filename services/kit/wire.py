"""CloudEvents 1.0, Kafka binary binding: a message to a record and back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from services.kit.message import Epoch, MalformedMessage, Message, Mode, SagaId

Headers = list[tuple[str, bytes]]

LARGEST_EPOCH = 2**31 - 1


class Record(msgspec.Struct, frozen=True):
    """A Kafka record as the outbox keeps it.

    `parent` is the span that caused it, so that whoever publishes it, after a crash too, tells
    the same trace.
    """

    topic: str
    key: str
    message_id: str
    mode: str
    headers: Headers
    value: bytes
    parent: str | None = None

    @property
    def epoch(self) -> Epoch:
        return Epoch(int(dict(self.headers)["ce_epoch"]))


def to_record(message: Message, parent: str | None = None) -> Record:
    return Record(
        topic=message.topic,
        key=message.saga_id,
        message_id=message.id,
        mode=message.mode,
        headers=to_headers(message),
        value=message.value,
        parent=parent,
    )


REQUIRED = ("ce_id", "ce_type", "ce_source", "ce_subject", "ce_time", "ce_mode", "ce_epoch")
_ID = re.compile(
    r"(?P<saga>[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}):(?P<kind>[A-Za-z]{1,64}):[1-9][0-9]{0,8}"
)
REPLAY = "bandstand-replay"
REPLAY_PATTERN = "[a-z]{1,32}(@[a-z]{1,32})?/[0-9a-f]{12}"
_REPLAY = re.compile(REPLAY_PATTERN)


def to_headers(message: Message) -> Headers:
    headers = [
        ("ce_specversion", b"1.0"),
        ("ce_id", message.id.encode()),
        ("ce_type", message.type.encode()),
        ("ce_source", message.source.encode()),
        ("ce_subject", message.saga_id.encode()),
        ("ce_time", message.time.encode()),
        ("ce_mode", message.mode.encode()),
        ("ce_epoch", str(message.epoch).encode()),
        ("content-type", b"application/json"),
    ]
    if message.traceparent:
        headers.append(("traceparent", message.traceparent.encode()))
    if message.tracestate:
        headers.append(("tracestate", message.tracestate.encode()))
    if message.baggage:
        headers.append(("baggage", message.baggage.encode()))
    if message.replay:
        headers.append((REPLAY, message.replay.encode()))
    return headers


def from_record(
    topic: str,
    headers: Iterable[tuple[str, bytes]],
    value: bytes | None,
    place: tuple[int, int] | None = None,
) -> Message:
    """Raise `MalformedMessage` when a required header is missing or cannot be read."""
    raw = dict(headers)
    try:
        text = {name: raw[name].decode() for name in REQUIRED}
        message = Message(
            id=text["ce_id"],
            type=text["ce_type"],
            source=text["ce_source"],
            topic=topic,
            saga_id=SagaId(text["ce_subject"]),
            time=text["ce_time"],
            mode=Mode(text["ce_mode"]),
            epoch=Epoch(int(text["ce_epoch"])),
            value=value or b"",
            traceparent=_optional(raw, "traceparent"),
            tracestate=_optional(raw, "tracestate"),
            baggage=_optional(raw, "baggage"),
            replay=_optional(raw, REPLAY),
            place=place,
        )
    except KeyError as error:
        raise MalformedMessage(f"header {error.args[0]} is missing") from error
    except (ValueError, AttributeError) as error:
        raise MalformedMessage(f"unreadable header: {error}") from error
    return _checked(message)


def composed_at(record: Record) -> float:
    """Seconds since the epoch, of a message of ours."""
    text = dict(record.headers)["ce_time"].decode()
    return datetime.fromisoformat(text).timestamp()


def replay_in(headers: Iterable[tuple[str, bytes]]) -> str | None:
    """`<reader>/<dead letter>` of a replay that cannot be read either; None if there is none, or
    one that nobody here has written."""
    marker = (dict(headers).get(REPLAY) or b"").decode("utf-8", "replace")
    return marker if _REPLAY.fullmatch(marker) else None


def _optional(raw: Mapping[str, Any], name: str) -> str | None:
    value = raw.get(name)
    return value.decode() if value is not None else None


def _checked(message: Message) -> Message:
    match = _ID.fullmatch(message.id)
    if match is None or match["saga"] != message.saga_id or match["kind"] != message.type:
        raise MalformedMessage("ce_id is not <subject>:<type>:<attempt> with a UUID as subject")
    if message.replay is not None and not _REPLAY.fullmatch(message.replay):
        raise MalformedMessage(f"{REPLAY} is not <reader>/<dead letter>")
    if not 0 <= message.epoch <= LARGEST_EPOCH:
        raise MalformedMessage(f"ce_epoch is not between 0 and {LARGEST_EPOCH}")
    try:
        message.sent_at().timestamp()
    except (ValueError, OverflowError) as error:
        raise MalformedMessage(f"ce_time: {error}") from error
    return message
