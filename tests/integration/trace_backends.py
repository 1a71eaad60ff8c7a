"""Zipkin and Jaeger for a test, and a saga as two services would tell it to them."""

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from lab.stack.ports import LOOPBACK, Ports
from services.kit.effects import Closed, Handled
from services.kit.message import Message, SagaId
from services.kit.metrics import Metrics
from services.kit.tracing import Tracing
from services.kit.wire import to_record
from tests.integration.waiting import eventually
from tests.unit.services.builders import a_message, an_order

JAEGER = shutil.which("jaeger")
CONFIGURATION = """
service:
  extensions: [jaeger_storage, jaeger_query]
  pipelines:
    traces: {{receivers: [otlp], exporters: [jaeger_storage_exporter]}}
  telemetry: {{metrics: {{level: none}}}}
extensions:
  jaeger_storage: {{backends: {{memory: {{memory: {{max_traces: 1000}}}}}}}}
  jaeger_query:
    storage: {{traces: memory}}
    http: {{endpoint: "{host}:{query}"}}
    grpc: {{endpoint: "{host}:{grpc}"}}
receivers:
  otlp: {{protocols: {{http: {{endpoint: "{host}:{otlp}"}}}}}}
exporters:
  jaeger_storage_exporter: {{trace_storage: memory}}
"""


@contextmanager
def jaeger(folder: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """The URL of its query API, and the environment of a service that exports to it."""
    free = Ports()
    ports = {name: free.take() for name in ("query", "grpc", "otlp")}
    settings = folder / "jaeger.yaml"
    settings.write_text(CONFIGURATION.format(host=LOOPBACK, **ports))
    assert JAEGER
    with (folder / "jaeger.log").open("wb") as log:
        process = subprocess.Popen([JAEGER, "--config", settings], stdout=log, stderr=log)
    url = f"http://{LOOPBACK}:{ports['query']}"
    try:
        eventually(lambda: _answers(url), "Jaeger answers")
        yield url, {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{LOOPBACK}:{ports['otlp']}"}
    finally:
        process.kill()
        process.wait()


def tell_a_saga(saga_id: str, mode: Any, link_only: bool = False) -> None:
    """Placed, reserved, rejected; to wherever the environment says that spans go."""
    order, inventory = (
        Tracing(name, f"{name}-0", Metrics(name), link_only) for name in ("order", "inventory")
    )
    start = time.time()
    root = order.admit(None)
    sent = to_record(_placed(saga_id, mode, None), root.traceparent)
    order.sent(sent, start + 0.001)
    placed = _placed(saga_id, mode, order.sending(sent.message_id, root.traceparent))
    done = Handled(placed, "ReserveStock", False, "StockRejected", "sold_out", rejected=True)
    for noted in inventory.handled(done, 0, start + 0.002):
        inventory.tell([noted.span.in_batch(start + 0.006, 0.003, 1)])
    outcome = ("rejected", "sold_out", root.traceparent, None)
    closed = Closed(saga_id, mode, 1, *outcome, start, start + 0.009, start + 0.01)
    order.tell([noted.span for noted in order.closed(closed)])
    order.shutdown()
    inventory.shutdown()


def _placed(saga_id: str, mode: Any, traceparent: str | None) -> Message:
    return a_message(an_order(SagaId(saga_id)), mode, traceparent=traceparent)


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/api/services", trust_env=False).is_success
    except httpx.TransportError:
        return False
