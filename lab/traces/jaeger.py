"""Jaeger's query API, as its own page uses it: traces of sagas, as our own spans."""

import time
from typing import Any
from urllib.parse import urlencode

import msgspec

from lab.api import Api
from lab.traces.span import Span

LOOKBACK_US = 24 * 3600 * 1_000_000
MOST = 1_500
AT_LEAST = 100  # of what it found it does not promise the newest


class _Tag(msgspec.Struct, frozen=True):
    key: str
    value: Any


class _Reference(msgspec.Struct, frozen=True):
    refType: str  # noqa: N815 - Jaeger's name
    spanID: str  # noqa: N815


class _JaegerSpan(msgspec.Struct, frozen=True, rename={"id": "spanID", "trace": "traceID"}):
    id: str
    trace: str
    operationName: str  # noqa: N815
    startTime: int  # noqa: N815
    duration: int
    processID: str  # noqa: N815
    references: list[_Reference] = []
    tags: list[_Tag] = []

    @property
    def parent(self) -> str | None:
        """A link where there is no parent: Jaeger says that it follows from it."""
        by_kind = {each.refType: each.spanID for each in reversed(self.references)}
        return by_kind.get("CHILD_OF") or by_kind.get("FOLLOWS_FROM")


class _Process(msgspec.Struct, frozen=True):
    serviceName: str  # noqa: N815


class _Trace(msgspec.Struct, frozen=True):
    spans: list[_JaegerSpan]
    processes: dict[str, _Process]

    def as_spans(self) -> list[Span]:
        return [_as_span(span, self.processes[span.processID]) for span in self.spans]


class _Found(msgspec.Struct, frozen=True):
    data: list[_Trace] | None = None


class _Names(msgspec.Struct, frozen=True):
    data: list[str] | None = None


class Jaeger:
    """Behind a Collector, as on the chart: that hears every 5 s, and judges 10 s after the end."""

    patience_seconds = 20.0
    told = (
        "a Collector keeps, some seconds after their end, orders that failed, were slow or were "
        "compensated, and a share of the rest (on the chart collector.keptPercent)"
    )

    def __init__(self, api: Api, url: str) -> None:
        self._api = api
        self._url = url

    def trace(self, trace_id: str) -> list[Span]:
        found = self._api.find(f"/api/traces/{trace_id}", _Found)
        return [span for trace in (found and found.data) or () for span in trace.as_spans()]

    def saga(self, saga_id: str) -> list[Span]:
        """Jaeger asks for a service with every question, so it is asked about each."""
        services = self._api.get("/api/services", _Names).data or []
        traces = [
            trace
            for service in services
            for trace in self._search({"service": service, "limit": MOST}, {"saga.id": saga_id})
        ]
        return list({span.id: span for trace in traces for span in trace}.values())

    def last(self, mode: str, count: int, outcome: str | None = None) -> list[list[Span]]:
        limit = min(max(4 * count, AT_LEAST), MOST)
        query = {"service": "order", "operation": "saga order", "limit": limit}
        ended = {"saga.outcome": outcome} if outcome else {}
        found = self._search(query, {"saga.mode": mode, **ended})
        return sorted(found, key=_began, reverse=True)[:count]

    def page(self, trace_id: str) -> str | None:
        return f"{self._url}/trace/{trace_id}"

    def _search(self, query: dict[str, Any], tags: dict[str, str]) -> list[list[Span]]:
        now = time.time_ns() // 1000
        window = {"start": now - LOOKBACK_US, "end": now + LOOKBACK_US}
        asked = urlencode({**query, **window, "tags": msgspec.json.encode(tags).decode()})
        found = self._api.get(f"/api/traces?{asked}", _Found)
        return [trace.as_spans() for trace in found.data or ()]


def _as_span(told: _JaegerSpan, process: _Process) -> Span:
    return Span(
        id=told.id,
        parent=told.parent,
        name=told.operationName,
        service=process.serviceName,
        start_us=told.startTime,
        end_us=told.startTime + told.duration,
        tags=_tags(told.tags),
        trace=told.trace,
    )


def _tags(told: list[_Tag]) -> dict[str, str]:
    """As text, as Zipkin has them; an error's reason is its own tag here."""
    tags = {tag.key: _text(tag.value) for tag in told}
    if tags.pop("error", "") == "true":
        tags["error"] = tags.get("otel.status_description", "error")
    return tags


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _began(spans: list[Span]) -> int:
    return max(span.start_us for span in spans if span.name == "saga order")
