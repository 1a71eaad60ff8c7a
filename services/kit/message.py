"""What travels: commands, events, and the envelope both share.

A command is imperative and has one receiver; an event is a fact and is emitted in both modes.
Errors: `MalformedMessage` (cannot be read, belongs in the dead-letter topic).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, ClassVar, NewType, TypeVar

import msgspec

SagaId = NewType("SagaId", str)
Epoch = NewType("Epoch", int)
B = TypeVar("B", bound="Body")


class Mode(StrEnum):
    """Who decides what happens next: a conductor, or each service for itself."""

    ORCHESTRATION = "orchestration"
    CHOREOGRAPHY = "choreography"

    @property
    def other(self) -> Mode:
        return Mode.CHOREOGRAPHY if self is Mode.ORCHESTRATION else Mode.ORCHESTRATION


class Body(msgspec.Struct, frozen=True, kw_only=True):
    """The JSON value of a message; unknown fields are ignored when read."""

    channel: ClassVar[str] = ""
    order_id: SagaId


class Command(Body, frozen=True, kw_only=True):
    """An instruction to the one participant that owns `channel`."""

    compensates: ClassVar[bool] = False


class Event(Body, frozen=True, kw_only=True):
    """A fact told by the participant that owns `channel`."""


def topic_of(kind: type[Body], mode: Mode) -> str:
    """Events have a topic for each mode, so that nobody reads what only others act upon.

    Whoever wants all facts reads both.
    """
    if issubclass(kind, Command):
        return f"{kind.channel}.commands"
    return f"{kind.channel}.{mode.value}.events"


class MalformedMessage(ValueError):
    """A record that does not keep the message contract; the text says which part of it."""


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """An envelope after CloudEvents 1.0.

    `id` is `<saga>:<type>:<attempt>`, so that a resend of the same effect is recognised
    anywhere, and a deliberate new attempt is not mistaken for one.

    `place` is the partition and the offset it was read at; `replay` names the dead letter that it
    was sent again from, and for whom. `baggage` is W3C's: the saga's id and
    mode where it is sampled, with what the order's caller gave.
    """

    id: str
    type: str
    source: str
    topic: str
    saga_id: SagaId
    time: str
    mode: Mode
    epoch: Epoch
    value: bytes
    traceparent: str | None = None
    tracestate: str | None = None
    baggage: str | None = None
    replay: str | None = None
    place: tuple[int, int] | None = None

    @property
    def receipt(self) -> str:
        """What an inbox knows it by. That of the original is taken by its burial; so a replay has
        one of its own, and is done once however often it is sent."""
        return f"{self.id}!{self.replay}" if self.replay else self.id

    @property
    def attempt(self) -> int:
        return int(self.id.rpartition(":")[2])

    def within(self, traceparent: str | None) -> Message:
        """The same message in another trace context."""
        return msgspec.structs.replace(self, traceparent=traceparent)

    def sent_at(self) -> datetime:
        return datetime.fromisoformat(self.time)


def message_id(saga_id: SagaId, kind: str, attempt: int) -> str:
    return f"{saga_id}:{kind}:{attempt}"


def utc_now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")


def compose(
    body: Body,
    *,
    source: str,
    mode: Mode,
    epoch: Epoch,
    attempt: int = 1,
    traceparent: str | None = None,
    tracestate: str | None = None,
    baggage: str | None = None,
) -> Message:
    kind = type(body).__name__
    return Message(
        id=message_id(body.order_id, kind, attempt),
        type=kind,
        source=source,
        topic=topic_of(type(body), mode),
        saga_id=body.order_id,
        time=utc_now(),
        mode=mode,
        epoch=epoch,
        value=_encode(body),
        traceparent=traceparent,
        tracestate=tracestate,
        baggage=baggage or _own_baggage(body.order_id, mode, traceparent),
    )


def _own_baggage(saga_id: SagaId, mode: Mode, traceparent: str | None) -> str | None:
    """For whoever traces. Of a saga that is not sampled nobody would look at it, and a header
    more costs every reader."""
    if traceparent is None or not traceparent.endswith("-01"):
        return None
    return f"saga.id={saga_id},saga.mode={mode}"


def follow_up(cause: Message, body: Body, *, source: str, attempt: int | None = None) -> Message:
    """A message caused by another: it inherits the saga's mode, epoch, attempt, trace, baggage."""
    return compose(
        body,
        source=source,
        mode=cause.mode,
        epoch=cause.epoch,
        attempt=cause.attempt if attempt is None else attempt,
        traceparent=cause.traceparent,
        tracestate=cause.tracestate,
        baggage=cause.baggage,
    )


class Vocabulary:
    """The message types a process knows, each with its decoder."""

    def __init__(self, kinds: Iterable[type[Body]]) -> None:
        self.kinds: Mapping[str, type[Body]] = {kind.__name__: kind for kind in kinds}
        self._decoders: Mapping[str, msgspec.json.Decoder[Any]] = {
            name: msgspec.json.Decoder(kind) for name, kind in self.kinds.items()
        }

    def __contains__(self, kind: str) -> bool:
        return kind in self.kinds

    def body(self, message: Message) -> Body:
        """Raise `MalformedMessage` for a body that its type's schema refuses."""
        return self.decode(message.type, message.value, message.saga_id)

    def decode(self, kind: str, value: bytes, saga_id: SagaId) -> Body:
        try:
            body: Body = self._decoders[kind].decode(value)
        except msgspec.DecodeError as error:
            raise MalformedMessage(f"{kind}: {error}") from error
        if body.order_id != saga_id:
            raise MalformedMessage(f"{kind}: order_id is not the subject {saga_id}")
        return body


_encode = msgspec.json.Encoder().encode
