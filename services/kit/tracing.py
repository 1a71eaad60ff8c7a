"""One trace is one saga, in both modes, with the same span names and attributes.

Span ids are derived from message ids. So a context can be written into the outbox before its
span has ended, and a process that resumes after a crash tells the lost span again instead of
leaving its children orphaned. Where the saga is not sampled, nothing is made.
Names and attributes: shared conventions of OpenTelemetry messaging, kept in this module only,
because they are still moving.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import Decision
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, SpanKind, Status, StatusCode
from opentelemetry.trace.span import TraceFlags
from opentelemetry.util.types import AttributeValue

from services.kit.effects import Closed
from services.kit.message import Message
from services.kit.metrics import Metrics
from services.kit.wire import Record

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter

_SAMPLED = "01"


class Root(NamedTuple):
    """A saga's own context, and the caller's span if the caller traces."""

    traceparent: str
    parent_span: str | None


class DerivedIds(RandomIdGenerator):
    """Random ids, unless the next span's ids are laid down."""

    def __init__(self) -> None:
        self._next = threading.local()

    @contextmanager
    def of(self, context: SpanContext) -> Iterator[None]:
        self._next.context = context
        try:
            yield
        finally:
            self._next.context = None

    def generate_span_id(self) -> int:
        context = getattr(self._next, "context", None)
        return context.span_id if context else super().generate_span_id()

    def generate_trace_id(self) -> int:
        context = getattr(self._next, "context", None)
        return context.trace_id if context else super().generate_trace_id()


class CountingProcessor(SpanProcessor):
    """Spans per order are a measured cost, with or without an exporter."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def on_end(self, span: ReadableSpan) -> None:
        mode = (span.attributes or {}).get("saga.mode", "")
        name = span.name if span.name == "saga order" else span.name.split(" ")[0]
        self._metrics.spans.labels(name, mode).inc()


class Tracing:
    def __init__(self, service: str, instance: str, metrics: Metrics) -> None:
        self._service = service
        self._ids = DerivedIds()
        resource = Resource.create(
            {
                "service.name": service,
                "service.namespace": "bandstand",
                "service.instance.id": instance,
            }
        )
        self._provider = TracerProvider(
            id_generator=self._ids, resource=resource, shutdown_on_exit=False
        )
        self._provider.add_span_processor(CountingProcessor(metrics))
        for exporter in _exporters():
            self._export(exporter)
        self._tracer = self._provider.get_tracer("bandstand")

    def _export(self, exporter: SpanExporter) -> None:
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        self._provider.add_span_processor(BatchSpanProcessor(exporter))

    def admit(self, incoming: str | None) -> Root:
        """Begin a saga's trace, or continue its caller's; the sampler decides once, here."""
        caller = parse(incoming)
        trace_id = caller.trace_id if caller else self._ids.generate_trace_id()
        sampled = (
            self._provider.sampler.should_sample(
                _in_context(caller) if caller else Context(), trace_id, "saga order"
            ).decision
            is not Decision.DROP
        )
        span_id = self._ids.generate_span_id()
        context = SpanContext(trace_id, span_id, True, TraceFlags(int(sampled)))
        return Root(render(context), f"{caller.span_id:016x}" if caller else None)

    def processing(self, message: Message, tries: int = 0) -> str | None:
        """The context that handling this message gives to what it sends."""
        return self._derived(message.traceparent, message.id, self._service, str(tries))

    def sending(self, message_id: str, parent: str | None) -> str | None:
        return self._derived(parent, message_id, "send")

    def processed(
        self, message: Message, step: str, backward: bool, started: float, tries: int = 0
    ) -> None:
        """End the span of a handled message; `started` is in seconds since the epoch."""
        if not _is_sampled(message.traceparent):
            return
        context, producer = parse(self.processing(message, tries)), parse(message.traceparent)
        if context is None or producer is None or not context.trace_flags.sampled:
            return
        attributes: dict[str, AttributeValue] = {
            "messaging.system": "kafka",
            "messaging.operation.type": "process",
            "messaging.destination.name": message.topic,
            "messaging.message.id": message.id,
            "messaging.kafka.message.key": message.saga_id,
            "saga.id": message.saga_id,
            "saga.mode": message.mode.value,
            "saga.epoch": message.epoch,
            "saga.step": step,
            "saga.direction": "backward" if backward else "forward",
            "saga.attempt": message.attempt,
        }
        name = f"process {message.topic}"
        self._emit(name, context, producer, SpanKind.CONSUMER, attributes, started, time.time())

    def sent(self, record: Record, started: float) -> None:
        if not _is_sampled(record.parent):
            return
        context, parent = parse(self.sending(record.message_id, record.parent)), record.parent
        producer = parse(parent)
        if context is None or producer is None or not context.trace_flags.sampled:
            return
        saga_id, kind, attempt = record.message_id.split(":")
        attributes: dict[str, AttributeValue] = {
            "messaging.system": "kafka",
            "messaging.operation.type": "send",
            "messaging.destination.name": record.topic,
            "messaging.message.id": record.message_id,
            "saga.id": saga_id,
            "saga.mode": record.mode,
            "saga.step": kind,
            "saga.attempt": int(attempt),
        }
        name = f"send {record.topic}"
        self._emit(name, context, producer, SpanKind.PRODUCER, attributes, started, time.time())

    def closed(self, saga: Closed) -> None:
        """Tell the root span, known since admission, once the saga is over."""
        context = parse(saga.traceparent)
        if context is None or not context.trace_flags.sampled:
            return
        caller = None
        if saga.parent_span:
            caller = SpanContext(context.trace_id, int(saga.parent_span, 16), True, TraceFlags(1))
        attributes: dict[str, AttributeValue] = {
            "saga.id": saga.saga_id,
            "saga.mode": saga.mode.value,
            "saga.epoch": saga.epoch,
            "saga.outcome": saga.outcome,
            "saga.reason": saga.reason or "",
        }
        kind = SpanKind.SERVER
        times = (saga.started_at, saga.closed_at)
        self._emit("saga order", context, caller, kind, attributes, *times)

    def shutdown(self) -> None:
        self._provider.shutdown()

    def _emit(
        self,
        name: str,
        context: SpanContext,
        parent: SpanContext | None,
        kind: SpanKind,
        attributes: dict[str, AttributeValue],
        started: float,
        ended: float,
    ) -> None:
        with self._ids.of(context):
            span = self._tracer.start_span(
                name,
                context=_in_context(parent) if parent else Context(),
                kind=kind,
                attributes=attributes,
                links=[Link(parent)] if parent and kind is SpanKind.CONSUMER else None,
                start_time=int(started * 1e9),
            )
        if attributes.get("saga.outcome") == "rejected":
            span.set_status(Status(StatusCode.ERROR, str(attributes["saga.reason"])))
        span.end(max(int(ended * 1e9), int(started * 1e9)))

    def _derived(self, traceparent: str | None, *parts: str) -> str | None:
        if traceparent is None or not _is_sampled(traceparent):
            return traceparent
        digest = blake2b("\x1f".join(parts).encode(), digest_size=8).hexdigest()
        return f"{traceparent[:36]}{digest}-{_SAMPLED}"


def _exporters() -> Iterator[SpanExporter]:
    """Imported only where they are wanted: they are slow to load."""
    if "OTEL_EXPORTER_OTLP_ENDPOINT" in os.environ:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        yield OTLPSpanExporter()
    if endpoint := os.environ.get("OTEL_EXPORTER_ZIPKIN_ENDPOINT"):
        from services.kit.zipkin import ZipkinExporter

        yield ZipkinExporter(endpoint)


def _is_sampled(traceparent: str | None) -> bool:
    """Without reading the rest of it: most sagas are not, and each has dozens of spans."""
    return traceparent is not None and traceparent.endswith(_SAMPLED)


def render(context: SpanContext) -> str:
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def parse(traceparent: str | None) -> SpanContext | None:
    """W3C Trace Context, version 00; what cannot be read is no context."""
    parts = (traceparent or "").split("-")
    if len(parts) != 4 or [len(part) for part in parts] != [2, 32, 16, 2]:
        return None
    try:
        trace_id, span_id, flags = (int(part, 16) for part in parts[1:])
    except ValueError:
        return None
    context = SpanContext(trace_id, span_id, True, TraceFlags(flags & 1))
    return context if context.is_valid else None


def _in_context(parent: SpanContext) -> Context:
    return trace.set_span_in_context(NonRecordingSpan(parent), Context())
