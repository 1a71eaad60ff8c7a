"""Whatever services export by OTLP over HTTP, as it was exported: with ids, parents and links."""

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from lab.stack.ports import LOOPBACK


class Context(NamedTuple):
    trace: str
    span: str


class Exported(NamedTuple):
    """`links` may lead into other traces; a parent is of the same one."""

    at: Context
    parent: Context | None
    links: tuple[Context, ...]
    name: str
    service: str
    start_ns: int
    end_ns: int
    tags: dict[str, str]


class Receiver:
    """Spans by where they are: one that is told twice, as after a crash, is one."""

    def __init__(self) -> None:
        self.url = ""
        self._spans: dict[Context, Exported] = {}

    def take(self, body: bytes) -> None:
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            service = _tags(resource.resource.attributes)["service.name"]
            for scope in resource.scope_spans:
                for span in scope.spans:
                    exported = _exported(span, service)
                    self._spans.setdefault(exported.at, exported)

    def spans(self) -> dict[Context, Exported]:
        return dict(self._spans)


@contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            packed = self.headers.get("Content-Encoding") == "gzip"
            receiver.take(gzip.decompress(body) if packed else body)
            answer = ExportTraceServiceResponse().SerializeToString()
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
    receiver.url = f"http://{LOOPBACK}:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()


def _exported(span, service: str) -> Exported:
    trace = span.trace_id.hex()
    return Exported(
        at=Context(trace, span.span_id.hex()),
        parent=Context(trace, span.parent_span_id.hex()) if span.parent_span_id else None,
        links=tuple(Context(link.trace_id.hex(), link.span_id.hex()) for link in span.links),
        name=span.name,
        service=service,
        start_ns=span.start_time_unix_nano,
        end_ns=span.end_time_unix_nano,
        tags=_tags(span.attributes),
    )


def _tags(attributes) -> dict[str, str]:
    return {each.key: _text(each.value) for each in attributes}


def _text(value) -> str:
    return str(getattr(value, value.WhichOneof("value")))
