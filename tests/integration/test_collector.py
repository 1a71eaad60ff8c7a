"""The Collector with our configuration: what it keeps of sagas, and that it counts all of them."""

import os
import shutil
import subprocess
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
import yaml
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from lab.stack.ports import LOOPBACK, Ports
from services.kit.effects import Closed, Handled
from services.kit.message import Mode, SagaId
from services.kit.metrics import Metrics
from services.kit.tracing import Tracing
from tests.integration.otlp_receiver import receiving
from tests.integration.waiting import eventually
from tests.tools import lacking
from tests.unit.services.builders import a_message, an_order

CONFIGURATION = Path(__file__).parents[2] / "observability" / "collector" / "collector.yaml"
COLLECTOR = shutil.which("otelcol-contrib") or shutil.which("otelcol")
CALLS = "traces_span_metrics_calls_total"
OPENMETRICS = {"Accept": "application/openmetrics-text; version=1.0.0"}
ORDINARY = 8
SLOW_SECONDS = 2.5  # longer than the objective allows


class Collector:
    def __init__(self, ports):
        self.url = f"http://{LOOPBACK}:{ports['otlp']}"
        self._metrics = f"http://{LOOPBACK}:{ports['metrics']}/metrics"
        self._health = f"http://{LOOPBACK}:{ports['health']}/"

    def is_ready(self):
        try:
            return httpx.get(self._health, trust_env=False).is_success
        except httpx.TransportError:
            return False

    def counted(self, name):
        """Spans of this name, by mode, as Prometheus would read them."""
        text = httpx.get(self._metrics, headers=OPENMETRICS, trust_env=False).text
        counted = Counter()
        for family in text_string_to_metric_families(text):
            for each in family.samples:
                if each.name == CALLS and each.labels["span_name"] == name:
                    counted[each.labels["saga_mode"]] += each.value
        return counted


def configured(ports):
    """Ours, on ports that are free here; sagas are told at once, so it need not wait for long."""
    settings = yaml.safe_load(CONFIGURATION.read_text())
    protocols = settings["receivers"]["otlp"]["protocols"]
    protocols.pop("grpc")
    protocols["http"]["endpoint"] = f"{LOOPBACK}:{ports['otlp']}"
    settings["exporters"]["prometheus"]["endpoint"] = f"{LOOPBACK}:{ports['metrics']}"
    settings["extensions"]["health_check"]["endpoint"] = f"{LOOPBACK}:{ports['health']}"
    settings["service"]["telemetry"] = {"metrics": {"level": "none"}}
    settings["processors"]["tail_sampling"]["decision_wait"] = "2s"
    return yaml.safe_dump(settings)


@contextmanager
def collecting(folder, traces_endpoint, kept_percent):
    if COLLECTOR is None:
        lacking("otelcol, the Collector, is not on the PATH")
    free = Ports()
    ports = {name: free.take() for name in ("otlp", "metrics", "health")}
    settings = folder / "collector.yaml"
    settings.write_text(configured(ports))
    more = {"TRACES_ENDPOINT": traces_endpoint, "KEPT_PERCENT": str(kept_percent)}
    with (folder / "collector.log").open("wb") as log:
        process = subprocess.Popen(
            [COLLECTOR, "--config", settings], stdout=log, stderr=log, env={**os.environ, **more}
        )
    collector = Collector(ports)
    try:
        eventually(collector.is_ready, f"the Collector is ready, see {folder / 'collector.log'}")
        yield collector
    finally:
        process.kill()
        process.wait()


def a_saga(mode, outcome="confirmed", reason=None, seconds=0.01, backward=False):
    """Told by the service that tells it, as it would; its trace's id."""
    tracing = Tracing("order", "order-0", Metrics("order"))
    saga_id, start = SagaId(str(uuid4())), time.time()
    root = tracing.admit(None)
    placed = a_message(an_order(saga_id), mode, traceparent=root.traceparent)
    done = Handled(placed, "ReserveStock", backward, "StockReserved")
    for noted in tracing.handled(done, 0, start + 0.001):
        tracing.tell([noted.span.in_batch(start + 0.002, 0.001, 1)])
    end = outcome, reason, root.traceparent, None
    closed = Closed(saga_id, mode, 1, *end, start, start + seconds, start + seconds)
    tracing.tell([noted.span for noted in tracing.closed(closed)])
    tracing.shutdown()
    return root.traceparent[3:35]


@pytest.fixture
def backend():
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def collector(backend, tmp_path, monkeypatch):
    """It keeps none of the sagas that nothing happened to."""
    with collecting(tmp_path, backend.url, kept_percent=0) as collector:
        monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_on")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        yield collector


def test_what_failed_was_slow_or_was_compensated_is_kept_and_all_of_it_counted(collector, backend):
    kept = set()
    for mode in Mode:
        kept.add(a_saga(mode, "rejected", "timed_out"))
        kept.add(a_saga(mode, seconds=SLOW_SECONDS))
        kept.add(a_saga(mode, backward=True))
        for _ in range(ORDINARY):
            a_saga(mode)
    per_mode = ORDINARY + 3
    eventually(
        lambda: collector.counted("saga order") == dict.fromkeys(Mode, per_mode), "all are counted"
    )
    eventually(lambda: {at.trace for at in backend.spans()} >= kept, "those worth it are kept")
    last = a_saga(Mode.CHOREOGRAPHY, backward=True)
    eventually(lambda: last in {at.trace for at in backend.spans()}, "all were judged")
    assert {at.trace for at in backend.spans()} == {*kept, last}
