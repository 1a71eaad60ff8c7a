"""The Collector with our configuration: what it keeps of sagas, and that it counts all of them."""

import os
import shutil
import subprocess
import time
from collections import Counter, defaultdict
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
VERDICT_SECONDS = 1


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
        text = httpx.get(self._metrics, headers=OPENMETRICS, trust_env=False, timeout=60).text
        counted = Counter()
        for family in text_string_to_metric_families(text):
            for each in family.samples:
                if each.name == CALLS and each.labels["span_name"] == name:
                    counted[each.labels["saga_mode"]] += each.value
        return counted


def configured(ports):
    """Ours, on ports that are free here; spans are told at once, so it need not wait for long."""
    settings = yaml.safe_load(CONFIGURATION.read_text())
    protocols = settings["receivers"]["otlp"]["protocols"]
    protocols.pop("grpc")
    protocols["http"]["endpoint"] = f"{LOOPBACK}:{ports['otlp']}"
    settings["exporters"]["prometheus"]["endpoint"] = f"{LOOPBACK}:{ports['metrics']}"
    settings["extensions"]["health_check"]["endpoint"] = f"{LOOPBACK}:{ports['health']}"
    settings["service"]["telemetry"] = {"metrics": {"level": "none"}}
    judge = settings["processors"]["tail_sampling"]
    judge["decision_wait_after_root_received"] = f"{VERDICT_SECONDS}s"
    return yaml.safe_dump(settings)


@contextmanager
def collecting(folder, traces_endpoint, kept_percent, patience_seconds):
    if COLLECTOR is None:
        lacking("otelcol, the Collector, is not on the PATH")
    free = Ports()
    ports = {name: free.take() for name in ("otlp", "metrics", "health")}
    settings = folder / "collector.yaml"
    settings.write_text(configured(ports))
    more = {
        "TRACES_ENDPOINT": traces_endpoint,
        "KEPT_PERCENT": str(kept_percent),
        "DECISION_WAIT": f"{patience_seconds}s",
    }
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


class Saga:
    """Told by the service that tells it, as it would: what is done of it, and its root last."""

    def __init__(self, mode, backward=False):
        self._mode, self._id, self._start = mode, SagaId(str(uuid4())), time.time()
        with telling() as tracing:
            self._root = tracing.admit(None).traceparent
            placed = a_message(an_order(self._id), mode, traceparent=self._root)
            done = Handled(placed, "ReserveStock", backward, "StockReserved")
            for noted in tracing.handled(done, 0, self._start + 0.001):
                tracing.tell([noted.span.in_batch(self._start + 0.002, 0.001, 1)])
        self.trace = self._root[3:35]

    def end(self, outcome="confirmed", reason=None, seconds=0.01):
        times = self._start, self._start + seconds, self._start + seconds
        closed = Closed(self._id, self._mode, 1, outcome, reason, self._root, None, *times)
        with telling() as tracing:
            tracing.tell([noted.span for noted in tracing.closed(closed)])
        return self.trace


@contextmanager
def telling():
    tracing = Tracing("order", "order-0", Metrics("order"))
    try:
        yield tracing
    finally:
        tracing.shutdown()


def a_saga(mode, outcome="confirmed", reason=None, seconds=0.01, backward=False):
    return Saga(mode, backward).end(outcome, reason, seconds)


def kept(backend):
    """The traces that were kept, with the names of their spans."""
    found = defaultdict(set)
    for at, span in backend.spans().items():
        found[at.trace].add(span.name.split()[0])
    return found


@pytest.fixture
def backend():
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def patience_seconds():
    """After which a saga that stands still is given up."""
    return 60


@pytest.fixture
def collector(backend, tmp_path, monkeypatch, patience_seconds):
    """It keeps none of the sagas that nothing happened to."""
    with collecting(tmp_path, backend.url, 0, patience_seconds) as collector:
        monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_on")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        yield collector


def test_what_failed_was_slow_or_was_compensated_is_kept_and_all_of_it_counted(collector, backend):
    wrong = set()
    for mode in Mode:
        wrong.add(a_saga(mode, "rejected", "timed_out"))
        wrong.add(a_saga(mode, seconds=SLOW_SECONDS))
        wrong.add(a_saga(mode, backward=True))
        for _ in range(ORDINARY):
            a_saga(mode)
    per_mode = ORDINARY + 3
    eventually(
        lambda: collector.counted("saga order") == dict.fromkeys(Mode, per_mode), "all are counted"
    )
    eventually(lambda: kept(backend).keys() >= wrong, "those worth it are kept")
    last = a_saga(Mode.CHOREOGRAPHY, backward=True)
    eventually(lambda: last in kept(backend), "all were judged")
    assert kept(backend).keys() == {*wrong, last}


def test_a_saga_that_stands_still_is_kept_whole_if_it_then_fails(collector, backend):
    standing = Saga(Mode.ORCHESTRATION)
    for _ in range(3):
        time.sleep(VERDICT_SECONDS)
        a_saga(Mode.ORCHESTRATION)
    standing.end("rejected", "timed_out")
    eventually(lambda: kept(backend)[standing.trace] == {"process", "saga"}, "all of it is kept")
    assert kept(backend).keys() == {standing.trace}


@pytest.mark.parametrize("patience_seconds", [3])
def test_of_a_saga_that_fails_after_it_was_given_up_the_end_is_kept(collector, backend):
    late, never = Saga(Mode.CHOREOGRAPHY), Saga(Mode.CHOREOGRAPHY)
    beside = Saga(Mode.CHOREOGRAPHY, backward=True).trace
    eventually(lambda: beside in kept(backend), "all three were given up")
    a_saga(Mode.CHOREOGRAPHY)
    after = a_saga(Mode.CHOREOGRAPHY, backward=True)
    eventually(lambda: after in kept(backend), "of those not kept it knows the one before only")
    late.end("rejected", "timed_out")
    never.end()
    eventually(lambda: kept(backend)[late.trace] == {"saga"}, "its end is kept")
    last = a_saga(Mode.CHOREOGRAPHY, backward=True)
    eventually(lambda: last in kept(backend), "all were judged")
    assert kept(backend).keys() == {beside, after, late.trace, last}
