"""Spans reach Zipkin as it wants them, and a Zipkin that is away costs nothing but its page."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from opentelemetry.sdk.trace.export import SpanExportResult

from services.kit.effects import Closed, Handled
from services.kit.message import Mode
from services.kit.metrics import Metrics
from services.kit.tracing import Tracing
from services.kit.zipkin import KEPT_BATCHES, ZipkinExporter, as_zipkin
from tests.unit.services.builders import ORDER_ID, a_message
from tests.unit.services.test_tracing import SAMPLED, a_tracing, told


def spans_of_a_rejected_order():
    tracing, exporter = a_tracing()
    done = Handled(a_message(traceparent=SAMPLED), "ReserveStock")
    outcome = ("rejected", "sold_out", SAMPLED, None)
    saga = Closed(ORDER_ID, Mode.CHOREOGRAPHY, 1, *outcome, 1.0, 2.0, 2.5)
    told(tracing, [*tracing.handled(done, 0, 1_000.0), *tracing.closed(saga)])
    return exporter.get_finished_spans()


@pytest.fixture
def zipkin():
    """Its address, and what it was told."""
    arrived = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            arrived.extend(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(202)
            self.end_headers()

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/api/v2/spans", arrived
        server.shutdown()


def test_a_span_keeps_its_place_and_its_tags():
    handled, root = map(as_zipkin, spans_of_a_rejected_order())
    assert handled["traceId"] == root["traceId"] == "a" * 32
    assert handled["parentId"] == "b" * 16
    assert handled["kind"] == "CONSUMER"
    assert handled["timestamp"] == 1_000_000_000
    assert handled["tags"]["saga.step"] == "ReserveStock"
    assert handled["localEndpoint"] == {"serviceName": "inventory"}
    assert "parentId" not in root
    assert "error" not in handled["tags"]
    assert root["tags"]["error"] == "sold_out"


def test_spans_are_delivered(zipkin):
    endpoint, arrived = zipkin
    spans = spans_of_a_rejected_order()
    assert ZipkinExporter(endpoint).export(spans) is SpanExportResult.SUCCESS
    assert arrived == [as_zipkin(span) for span in spans]


def test_a_zipkin_that_is_away_is_no_error():
    nobody = ZipkinExporter("http://127.0.0.1:9/api/v2/spans", pauses=(0, 0.01))
    assert nobody.export(spans_of_a_rejected_order()) is SpanExportResult.FAILURE


def test_a_zipkin_that_is_still_starting_is_waited_for_and_a_slow_one_asked_once_more(monkeypatch):
    exporter, paused = ZipkinExporter("http://127.0.0.1:9/api/v2/spans"), []
    answers = iter([False, False, True, False, True, False, False])
    monkeypatch.setattr("services.kit.zipkin.time.sleep", paused.append)
    monkeypatch.setattr(exporter, "_delivered", lambda _: next(answers))
    exports = [exporter.export(spans_of_a_rejected_order()) for _ in range(3)]
    assert exports == [SpanExportResult.SUCCESS] * 2 + [SpanExportResult.FAILURE]
    assert paused == [0, 1, 2, 0, 1, 0, 1]


@pytest.fixture
def reached():
    """What Zipkin has taken, a batch at a time, by an exporter whose Zipkin is now away."""

    class Reached(ZipkinExporter):
        def __init__(self, *arguments, **named):
            super().__init__(*arguments, **named)
            self.away, self.batches = True, []

        def _delivered(self, request):
            if not self.away:
                self.batches.append(json.loads(request.data))
            return not self.away

    return Reached("http://127.0.0.1:9/api/v2/spans", pauses=(0,))


def test_what_was_not_taken_is_told_once_something_is_taken_again(reached):
    first, second = spans_of_a_rejected_order()
    reached.export([first])
    reached.away = False
    assert reached.export([second]) is SpanExportResult.SUCCESS
    assert reached.batches == [[as_zipkin(second)], [as_zipkin(first)]]


def test_or_with_the_end_if_no_other_comes(reached):
    first, _ = spans_of_a_rejected_order()
    reached.export([first])
    reached.away = False
    reached.shutdown()
    assert reached.batches == [[as_zipkin(first)]]


def test_only_so_much_is_kept_and_the_oldest_goes_first(reached):
    first, second = spans_of_a_rejected_order()
    for spans in [[first], *[[second]] * KEPT_BATCHES]:
        reached.export(spans)
    reached.away = False
    reached.shutdown()
    assert reached.batches == [[as_zipkin(second)]] * KEPT_BATCHES


def test_a_service_exports_to_the_zipkin_that_its_environment_names(zipkin, monkeypatch):
    endpoint, arrived = zipkin
    monkeypatch.setenv("OTEL_EXPORTER_ZIPKIN_ENDPOINT", endpoint)
    tracing = Tracing("inventory", "inventory-0", Metrics("inventory"))
    done = Handled(a_message(traceparent=SAMPLED), "ReserveStock")
    told(tracing, tracing.handled(done, 0, 1_000.0))
    tracing.shutdown()
    assert [span["name"] for span in arrived] == [f"process {a_message().topic}"]


def test_one_that_takes_long_to_start_is_waited_for_each_time_and_one_that_never_does_not_for_good(
    monkeypatch,
):
    now, paused = [0.0], []
    monkeypatch.setattr("services.kit.zipkin.time.monotonic", lambda: now[0])
    monkeypatch.setattr("services.kit.zipkin.time.sleep", paused.append)
    exporter = ZipkinExporter("http://127.0.0.1:9/api/v2/spans")
    monkeypatch.setattr(exporter, "_delivered", lambda _: False)
    for now[0] in (0.0, 42.0, 61.0):
        assert exporter.export(spans_of_a_rejected_order()) is SpanExportResult.FAILURE
    assert paused == [0, 1, 2, 4] * 2 + [0, 1]
