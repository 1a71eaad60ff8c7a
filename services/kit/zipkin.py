"""Exports spans to Zipkin, which takes no OTLP: its version 2 JSON over HTTP.

No service waits for its traces. A Zipkin that does not take them is asked once more, since on a
busy machine it may be slow; one that may still be starting, since it has not answered in its first
minute, is given some seconds each time. What it has not taken then is told once it takes something
again; of more than `KEPT_BATCHES` the oldest is dropped, and said. Spans told twice are the same
spans.
"""

from __future__ import annotations

import logging
import time
import urllib.request
from collections import deque
from collections.abc import Sequence
from typing import Any

import msgspec
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import SpanContext, SpanKind, StatusCode

log = logging.getLogger(__name__)

TIMEOUT_SECONDS = 5.0
STARTING_SECONDS = 60.0
PAUSES_SECONDS = (0.0, 1.0, 2.0, 4.0)
PAUSES_ONCE_IT_RUNS = (0.0, 1.0)
KEPT_BATCHES = 8


class ZipkinExporter(SpanExporter):
    """`endpoint` is the whole URL, as in OTEL_EXPORTER_ZIPKIN_ENDPOINT."""

    def __init__(self, endpoint: str, pauses: Sequence[float] = PAUSES_SECONDS) -> None:
        self._endpoint = endpoint
        self._pauses = pauses
        self._begun = time.monotonic()
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        self._kept: deque[urllib.request.Request] = deque(maxlen=KEPT_BATCHES)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        request = self._request(spans)
        if time.monotonic() - self._begun > STARTING_SECONDS:
            self._pauses = PAUSES_ONCE_IT_RUNS
        for pause in self._pauses:
            time.sleep(pause)
            if self._delivered(request):
                self._pauses = PAUSES_ONCE_IT_RUNS
                self._make_up()
                return SpanExportResult.SUCCESS
        self._keep(request)
        return SpanExportResult.FAILURE

    def shutdown(self) -> None:
        self._make_up()

    def _request(self, spans: Sequence[ReadableSpan]) -> urllib.request.Request:
        return urllib.request.Request(  # noqa: S310 - the operator's own URL
            self._endpoint,
            data=msgspec.json.encode([as_zipkin(span) for span in spans]),
            headers={"Content-Type": "application/json"},
        )

    def _keep(self, request: urllib.request.Request) -> None:
        if len(self._kept) == KEPT_BATCHES:
            log.info("spans are lost: Zipkin does not take them")
        self._kept.append(request)

    def _make_up(self) -> None:
        """Oldest first, each batch as it came; never before new ones, which it cannot hold up."""
        while self._kept:
            request = self._kept.popleft()
            if not self._delivered(request):
                self._kept.appendleft(request)
                return

    def _delivered(self, request: urllib.request.Request) -> bool:
        try:
            with self._opener.open(request, timeout=TIMEOUT_SECONDS):
                return True
        except OSError:
            return False


def as_zipkin(span: ReadableSpan) -> dict[str, Any]:
    """Zipkin counts in whole microseconds and takes no duration of 0."""
    start, end = (span.start_time or 0) // 1000, (span.end_time or 0) // 1000
    tags = {name: str(value) for name, value in (span.attributes or {}).items()}
    if span.status.status_code is StatusCode.ERROR:
        tags["error"] = span.status.description or "error"
    found: dict[str, Any] = {
        "traceId": f"{span.context.trace_id:032x}",
        "id": f"{span.context.span_id:016x}",
        "name": span.name,
        "timestamp": start,
        "duration": max(end - start, 1),
        "localEndpoint": {"serviceName": str(span.resource.attributes["service.name"])},
        "tags": tags,
    }
    if span.links and not span.parent:
        tags |= _linked_to(span.links[0].context)
    if span.parent:
        found["parentId"] = f"{span.parent.span_id:016x}"
    if span.kind is not SpanKind.INTERNAL:
        found["kind"] = span.kind.name
    return found


def _linked_to(context: SpanContext) -> dict[str, str]:
    """Zipkin has no links. With a parent the link would say the same again."""
    return {
        "link.trace_id": f"{context.trace_id:032x}",
        "link.span_id": f"{context.span_id:016x}",
    }
