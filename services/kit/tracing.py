"""One trace is one saga, in both modes, with the same span names and attributes.

Span ids are derived from message ids. So a context can be written into the outbox before its
span has ended, and a process that resumes after a crash tells the lost span again instead of
leaving its children orphaned. Where the saga is not sampled, nothing is made.

With `link_only` the handling of a message begins a trace of its own, which is linked to the span
that sent the message: as the conventions for messaging prefer it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, Decision
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode
from opentelemetry.trace.span import TraceFlags

from services.kit import span as spans
from services.kit.effects import Closed, Handled
from services.kit.journal import Journal
from services.kit.message import Message
from services.kit.metrics import Metrics
from services.kit.session import Parked
from services.kit.span import Told
from services.kit.trace_context import (
    DerivedIds,
    derive,
    derive_trace,
    in_context,
    is_sampled,
    parse,
    render,
)
from services.kit.wire import Record

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter


class Root(NamedTuple):
    """A saga's own context, and the caller's span if the caller traces."""

    traceparent: str
    parent_span: str | None


class Noted(NamedTuple):
    """A span that will be true once its transaction has committed, and how that is proven: `key`
    is the message that would be a duplicate then."""

    key: str
    span: Told


class CountingProcessor(SpanProcessor):
    """Spans per order are a measured cost, with or without an exporter."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def on_end(self, span: ReadableSpan) -> None:
        mode = (span.attributes or {}).get("saga.mode", "")
        name = span.name if span.name == "saga order" else span.name.split(" ")[0]
        self._metrics.spans.labels(name, mode).inc()


class Tracing:
    def __init__(
        self,
        service: str,
        instance: str,
        metrics: Metrics,
        link_only: bool = False,
        journal: str = "",
    ) -> None:
        self._service = service
        self._link_only = link_only
        self._ids = DerivedIds()
        resource = Resource.create(
            {
                "service.name": service,
                "service.namespace": "bandstand",
                "service.instance.id": instance,
            }
        )
        self._sampler = TracerProvider(shutdown_on_exit=False).sampler
        self._provider = TracerProvider(
            sampler=ALWAYS_ON, id_generator=self._ids, resource=resource, shutdown_on_exit=False
        )
        self._provider.add_span_processor(CountingProcessor(metrics))
        exporters = list(_exporters())
        for exporter in exporters:
            self._export(exporter)
        self._tracer = self._provider.get_tracer("bandstand")
        self._journal = Journal(Path(journal), instance) if exporters and journal else None
        self._unproven: dict[str, list[Told]] = {}
        self._key_of: dict[str, str] = {}
        self._resume()

    def _export(self, exporter: SpanExporter) -> None:
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        self._provider.add_span_processor(BatchSpanProcessor(exporter))

    def _resume(self) -> None:
        """Tell what an earlier life of this process had not told for certain."""
        if self._journal is None:
            return
        facts, notes = self._journal.begin()
        self.tell(facts)
        for note in notes:
            self._journal.write(note.spans, note.key)
            self._unproven.setdefault(note.key, []).extend(note.spans)
            self._key_of.update((told.context, note.key) for told in note.spans)

    def admit(self, incoming: str | None) -> Root:
        """Begin a saga's trace, or continue its caller's; the sampler decides once, here."""
        caller = parse(incoming)
        trace_id = caller.trace_id if caller else self._ids.generate_trace_id()
        found = self._sampler.should_sample(in_context(caller), trace_id, "saga order")
        sampled = found.decision is not Decision.DROP
        span_id = self._ids.generate_span_id()
        context = SpanContext(trace_id, span_id, True, TraceFlags(int(sampled)))
        return Root(render(context), f"{caller.span_id:016x}" if caller else None)

    def processing(self, message: Message, tries: int = 0) -> str | None:
        """The context that handling this message gives to what it sends."""
        if not is_sampled(message.traceparent):
            return message.traceparent
        begin = derive_trace if self._link_only else derive
        return begin(str(message.traceparent), message.receipt, self._service, str(tries))

    def sending(self, message_id: str, parent: str | None) -> str | None:
        """By its parent too: a fact may be told again, in the same words, for another cause."""
        return (
            derive(str(parent), str(parent), message_id, "send") if is_sampled(parent) else parent
        )

    def timing_out(self, message_id: str, parent: str | None) -> str | None:
        """The context of a deadline that passed; the message is the first that it sends."""
        return derive(str(parent), message_id, "timeout") if is_sampled(parent) else parent

    def handled(self, done: Handled, tries: int, started: float) -> Iterator[Noted]:
        """`started` is in seconds since the epoch; no span where the saga is not sampled."""
        if is_sampled(done.message.traceparent):
            context = str(self.processing(done.message, tries))
            span = spans.handling(done, context, started, self._link_only)
            yield Noted(done.message.receipt, span)

    def put_off(self, parked: Parked, tries: int, started: float) -> Iterator[Noted]:
        """Unless it is put off before it was tried: then it is the same try, later."""
        if is_sampled(parked.message.traceparent) and parked.tries > tries:
            context = str(self.processing(parked.message, tries))
            span = spans.putting_off(parked, context, started, self._link_only)
            yield Noted(parked.message.receipt, span)

    def closed(self, saga: Closed) -> Iterator[Noted]:
        context = parse(saga.traceparent)
        if context is not None and context.trace_flags.sampled:
            above = saga.parent_span
            caller = f"00-{context.trace_id:032x}-{above}-01" if above else None
            yield Noted(saga.closed_by, spans.closing(saga, str(saga.traceparent), caller))

    def timed_out(
        self, messages: Sequence[Message], parent: str | None, started: float
    ) -> Iterator[Noted]:
        if is_sampled(parent):
            context = str(self.timing_out(messages[0].id, parent))
            yield Noted(context, spans.timing_out(messages, str(parent), context, started))

    def admitted(self, message: Message, root: str, placed_at: float) -> Iterator[Told]:
        if is_sampled(root):
            context = derive(root, message.id, "admit")
            yield spans.admitting(message, root, context, placed_at)

    def buried(self, message: Message, reason: str, tries: int, started: float) -> None:
        if is_sampled(message.traceparent):
            context = str(self.processing(message, tries))
            span = spans.burying(message, reason, context, started, self._link_only)
            self.tell([span.ended(time.time())])

    def sent(self, record: Record, started: float) -> None:
        if not is_sampled(record.parent) or parse(record.parent) is None:
            return
        if self._unproven:
            self._prove(self._key_of.get(str(record.parent), ""))
        context = str(self.sending(record.message_id, record.parent))
        self.tell([spans.sending(record, context, started).ended(time.time())])

    def note(self, noted: Sequence[Noted]) -> None:
        """Before a commit; `tell` afterwards."""
        if self._journal is None or not noted:
            return
        now, by_key = time.time(), dict[str, list[Told]]()
        for key, span in noted:
            by_key.setdefault(key, []).append(span if span.end else span.ended(now))
        for key, told in by_key.items():
            self._journal.write(told, key)
            self._unproven.pop(key, None)

    def known(self, key: str) -> None:
        """The inbox knows it: if an earlier life of this process handled it, that did commit."""
        if self._unproven:
            self._prove(key)

    def tell(self, told: Sequence[Told]) -> None:
        if told and self._journal is not None:
            self._journal.write(told)
        for span in told:
            self._emit(span)

    def shutdown(self) -> None:
        self._provider.shutdown()
        if self._journal is not None:
            self._journal.close()

    def _prove(self, key: str) -> None:
        resumed: dict[str, spans.Value] = {"saga.resumed": True}
        self.tell([told.ended(told.end, **resumed) for told in self._unproven.pop(key, ())])

    def _emit(self, told: Told) -> None:
        context, parent, link = parse(told.context), parse(told.parent), parse(told.link)
        if context is None:
            return
        start = int(told.start * 1e9)
        with self._ids.of(context):
            span = self._tracer.start_span(
                told.name,
                context=in_context(parent),
                kind=SpanKind[told.kind.upper()],
                attributes=told.attributes,
                links=[Link(link)] if link else None,
                start_time=start,
            )
        if told.error:
            span.set_status(Status(StatusCode.ERROR, told.error))
        span.end(max(int(told.end * 1e9), start))


def _exporters() -> Iterator[SpanExporter]:
    """Imported only where they are wanted: they are slow to load."""
    if "OTEL_EXPORTER_OTLP_ENDPOINT" in os.environ:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        yield OTLPSpanExporter()
    if endpoint := os.environ.get("OTEL_EXPORTER_ZIPKIN_ENDPOINT"):
        from services.kit.zipkin import ZipkinExporter

        yield ZipkinExporter(endpoint)
