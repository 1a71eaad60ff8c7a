"""Zipkin's query API, version 2: traces of sagas, as our own spans."""

from typing import Self
from urllib.parse import urlencode

import msgspec

from lab.api import Api
from lab.traces.span import Span

LOOKBACK_MS = 24 * 3600 * 1000


class _Endpoint(msgspec.Struct, frozen=True, rename="camel"):
    service_name: str = ""


class _ZipkinSpan(msgspec.Struct, frozen=True, rename="camel"):
    id: str
    name: str = ""
    parent_id: str | None = None
    timestamp: int = 0
    duration: int = 0
    local_endpoint: _Endpoint = _Endpoint()
    tags: dict[str, str] = {}

    def as_span(self) -> Span:
        return Span(
            id=self.id,
            parent=self.parent_id,
            name=self.name,
            service=self.local_endpoint.service_name,
            start_us=self.timestamp,
            end_us=self.timestamp + self.duration,
            tags=self.tags,
        )


class Zipkin:
    def __init__(self, api: Api) -> None:
        self._api = api

    def __enter__(self) -> Self:
        self._api.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._api.__exit__()

    def trace(self, trace_id: str) -> list[Span]:
        """Empty where nobody has told of it, or not yet."""
        found = self._api.find(f"/api/v2/trace/{trace_id}", list[_ZipkinSpan])
        return [span.as_span() for span in found or ()]

    def last(self, mode: str, count: int) -> list[list[Span]]:
        """The latest finished sagas of a mode: a root span is told when its saga is closed."""
        query = urlencode(
            {
                "serviceName": "order",
                "spanName": "saga order",
                "annotationQuery": f"saga.mode={mode}",
                "limit": count,
                "lookback": LOOKBACK_MS,
            }
        )
        found = self._api.get(f"/api/v2/traces?{query}", list[list[_ZipkinSpan]])
        return [[span.as_span() for span in trace] for trace in found]
