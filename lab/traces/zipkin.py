"""Zipkin's query API, version 2: traces of sagas, as our own spans."""

from collections.abc import Mapping
from urllib.parse import urlencode

import msgspec

from lab.api import Api
from lab.traces.span import Span

LOOKBACK_MS = 24 * 3600 * 1000
MOST = 1_000


class _Endpoint(msgspec.Struct, frozen=True, rename="camel"):
    service_name: str = ""


class _ZipkinSpan(msgspec.Struct, frozen=True, rename="camel"):
    id: str
    trace_id: str = ""
    name: str = ""
    parent_id: str | None = None
    timestamp: int = 0
    duration: int = 0
    local_endpoint: _Endpoint = _Endpoint()
    tags: dict[str, str] = {}

    def as_span(self) -> Span:
        return Span(
            id=self.id,
            parent=self.parent_id or self.tags.get("link.span_id"),
            name=self.name,
            service=self.local_endpoint.service_name,
            start_us=self.timestamp,
            end_us=self.timestamp + self.duration,
            tags=self.tags,
            trace=self.trace_id,
        )


class Zipkin:
    """As beside the local stack, whose services tell it themselves, every second."""

    patience_seconds = 5.0
    told = (
        "one order in ten is traced, unless the stack was started with "
        "OTEL_TRACES_SAMPLER=always_on"
    )

    def __init__(self, api: Api, url: str) -> None:
        self._api = api
        self._url = url

    def trace(self, trace_id: str) -> list[Span]:
        found = self._api.find(f"/api/v2/trace/{trace_id}", list[_ZipkinSpan])
        return [span.as_span() for span in found or ()]

    def saga(self, saga_id: str) -> list[Span]:
        found = self._search({"annotationQuery": f"saga.id={saga_id}", "limit": MOST})
        return [span for trace in found for span in trace]

    def last(self, mode: str, count: int, outcome: str | None = None) -> list[list[Span]]:
        """A root span is told when its saga is closed."""
        tags = f"saga.mode={mode}" + (f" and saga.outcome={outcome}" if outcome else "")
        query: dict[str, str | int] = {"serviceName": "order", "spanName": "saga order"}
        return self._search({**query, "annotationQuery": tags, "limit": count})

    def page(self, trace_id: str) -> str | None:
        return f"{self._url}/zipkin/traces/{trace_id}"

    def _search(self, query: Mapping[str, str | int]) -> list[list[Span]]:
        asked = urlencode({**query, "lookback": LOOKBACK_MS})
        found = self._api.get(f"/api/v2/traces?{asked}", list[list[_ZipkinSpan]])
        return [[span.as_span() for span in trace] for trace in found]
