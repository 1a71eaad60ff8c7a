"""A span as data, built here and told by `tracing`.

Names and attributes: shared conventions of OpenTelemetry messaging, kept in this module only,
because they are still moving. Technical failures have the error status, and so has the root of a
saga that did not succeed. A refusal on the way is no error: it is marked `saga.rejected`.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from services.kit.effects import Closed, Handled
from services.kit.message import Message
from services.kit.session import Parked
from services.kit.wire import Record

Value = str | int | float | bool

CONSUMER, PRODUCER, SERVER, INTERNAL = "consumer", "producer", "server", "internal"
DATABASE_SECONDS = "bandstand.database_seconds"
BATCH = "messaging.batch.message_count"
TIMED_OUT = "nothing was heard in time"


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """Contexts as in `traceparent`, times in seconds since the epoch; `error` is why it failed,
    `link` the span that this one is linked to."""

    name: str
    context: str
    parent: str | None
    kind: str
    attributes: dict[str, Value]
    start: float
    end: float = 0.0
    error: str | None = None
    link: str | None = None

    def ended(self, end: float, **more: Value) -> Told:
        return msgspec.structs.replace(self, end=end, attributes={**self.attributes, **more})

    def in_batch(self, end: float, database_seconds: float, messages: int) -> Told:
        """Whoever is in a batch waits for the whole of it, and for all that it asks the database:
        its seconds are not divided by its messages."""
        batch = {DATABASE_SECONDS: round(database_seconds, 6), BATCH: messages}
        return self.ended(end, **batch)


def handling(done: Handled, context: str, started: float, link_only: bool = False) -> Told:
    """A message that was acted upon."""
    more: dict[str, Value] = {"saga.direction": "backward" if done.backward else "forward"}
    if done.result:
        more["saga.result"] = done.result
    if done.reason:
        more["saga.reason"] = done.reason
    if done.rejected:
        more["saga.rejected"] = True
    return _consuming(done.message, done.step, context, started, link_only, more)


def putting_off(parked: Parked, context: str, started: float, link_only: bool = False) -> Told:
    """A try that came to nothing yet."""
    message = parked.message
    more: dict[str, Value] = {"saga.put_off": parked.why}
    span = _consuming(message, message.type, context, started, link_only, more)
    failed = parked.why == "transient failure"
    return msgspec.structs.replace(span, error=parked.why if failed else None)


def burying(
    message: Message, reason: str, context: str, started: float, link_only: bool = False
) -> Told:
    """A message that went to the dead letters."""
    span = _consuming(message, message.type, context, started, link_only, {})
    return msgspec.structs.replace(span, error=reason)


def sending(record: Record, context: str, started: float) -> Told:
    saga_id, kind, attempt = record.message_id.split(":")
    return Told(
        name=f"send {record.topic}",
        context=context,
        parent=record.parent,
        kind=PRODUCER,
        attributes={
            "messaging.system": "kafka",
            "messaging.operation.type": "send",
            "messaging.destination.name": record.topic,
            "messaging.message.id": record.message_id,
            "saga.id": saga_id,
            "saga.mode": record.mode,
            "saga.epoch": record.epoch,
            "saga.step": kind,
            "saga.attempt": int(attempt),
        },
        start=started,
    )


def admitting(message: Message, root: str, context: str, placed_at: float) -> Told:
    """From the order's row until it is committed and told."""
    return Told(
        name="admit order",
        context=context,
        parent=root,
        kind=INTERNAL,
        attributes=_saga(message, message.type),
        start=placed_at,
    )


def timing_out(messages: Sequence[Message], parent: str, context: str, started: float) -> Told:
    """A deadline that passed, and what is sent because of it."""
    steps = ", ".join(message.type for message in messages)
    return Told(
        name="timeout order",
        context=context,
        parent=parent,
        kind=INTERNAL,
        attributes=_saga(messages[0], steps),
        start=started,
        error=TIMED_OUT,
    )


def closing(saga: Closed, context: str, caller: str | None) -> Told:
    """The root span, known since admission, once the saga is over."""
    attributes: dict[str, Value] = {
        "saga.id": saga.saga_id,
        "saga.mode": saga.mode.value,
        "saga.epoch": saga.epoch,
        "saga.outcome": saga.outcome,
        **({"saga.reason": saga.reason} if saga.reason else {}),
    }
    return Told(
        name="saga order",
        context=context,
        parent=caller,
        kind=SERVER,
        attributes=attributes,
        start=saga.started_at,
        end=saga.closed_at,
        error=(saga.reason or saga.outcome) if saga.outcome == "rejected" else None,
    )


def _consuming(
    message: Message,
    step: str,
    context: str,
    started: float,
    link_only: bool,
    more: dict[str, Value],
) -> Told:
    return Told(
        name=f"process {message.topic}",
        context=context,
        parent=None if link_only else message.traceparent,
        kind=CONSUMER,
        attributes={
            "messaging.system": "kafka",
            "messaging.operation.type": "process",
            "messaging.destination.name": message.topic,
            "messaging.message.id": message.id,
            "messaging.kafka.message.key": message.saga_id,
            **_saga(message, step),
            **more,
        },
        start=started,
        link=message.traceparent,
    )


def _saga(message: Message, step: str) -> dict[str, Value]:
    return {
        "saga.id": message.saga_id,
        "saga.mode": message.mode.value,
        "saga.epoch": message.epoch,
        "saga.step": step,
        "saga.attempt": message.attempt,
    }
