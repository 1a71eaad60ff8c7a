"""W3C Trace Context and Baggage as text, and span ids that are derived instead of drawn.

Whoever knows a message knows the context of its handling, before that has begun and after its
process has died.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b

from opentelemetry import baggage, trace
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.context import Context
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import NonRecordingSpan, SpanContext
from opentelemetry.trace.span import TraceFlags

LONGEST_BAGGAGE = 1024
_SAMPLED = "-01"
_propagator = W3CBaggagePropagator()


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


def is_sampled(traceparent: str | None) -> bool:
    """Asked for every message, so it looks at the end of the text only."""
    return traceparent is not None and traceparent.endswith(_SAMPLED)


def exemplar(traceparent: str | None) -> dict[str, str] | None:
    """The trace that a sample of a histogram can be looked up in: only where there is one."""
    if traceparent is None or not is_sampled(traceparent):
        return None
    return {"trace_id": traceparent[3:35]}


def derive(traceparent: str, *parts: str) -> str:
    """A span of the same trace, always the same for the same parts."""
    digest = blake2b("\x1f".join(parts).encode(), digest_size=8).hexdigest()
    return f"{traceparent[:36]}{digest}{_SAMPLED}"


def derive_trace(traceparent: str, *parts: str) -> str:
    """The root of another trace, always the same one for the same parts of the same trace."""
    text = "\x1f".join((traceparent, *parts)).encode()
    digest = blake2b(text, digest_size=24).hexdigest()
    return f"00-{digest[:32]}-{digest[32:]}{_SAMPLED}"


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


def in_context(parent: SpanContext | None) -> Context:
    if parent is None:
        return Context()
    return trace.set_span_in_context(NonRecordingSpan(parent), Context())


def with_saga(incoming: str | None, saga_id: str, mode: str) -> str | None:
    """The caller's baggage with the saga's own members; None where there are no others. What is
    too long to be carried by every message of a saga is left behind."""
    if not incoming or len(incoming) > LONGEST_BAGGAGE:
        return None
    context = _propagator.extract({"baggage": incoming}, Context())
    for name, value in (("saga.id", saga_id), ("saga.mode", mode)):
        context = baggage.set_baggage(name, value, context)
    carrier: dict[str, str] = {}
    _propagator.inject(carrier, context)
    return carrier["baggage"]
