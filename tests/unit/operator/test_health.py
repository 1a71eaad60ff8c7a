"""What the operator says of itself: to probes, to Prometheus, and in its log."""

import itertools
import json
import logging
import sys

import pytest
from fastapi.testclient import TestClient

from coordination_operator.status import Note
from coordination_operator.telemetry import Health, JsonLines, Metrics
from coordination_operator.web import about_itself


class Stalled(Health):
    PATIENCE_SECONDS = -1.0


def ask(health, path):
    metrics = Metrics()
    metrics.tell(Note("Started", "from here to there"))
    return TestClient(about_itself(metrics, health)).get(path)


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_who_beats_is_alive_and_who_stalls_is_not(path):
    assert ask(Health(), path).json() == {"status": "alive", "leading": False}
    stalled = ask(Stalled(), path)
    assert (stalled.status_code, stalled.json()["status"]) == (503, "stalled")


def test_one_who_has_begun_to_beat_and_stalls_is_missed_whoever_else_beats():
    clock = itertools.count(step=25).__next__
    health = Health(clock)
    health.beat("coordinations")
    assert health.alive
    health.beat("lease")
    assert not health.alive
    health.beat("coordinations")
    health.beat("lease")
    assert health.alive


def test_transitions_are_counted_by_their_reason():
    answer = ask(Health(), "/metrics")
    assert 'bandstand_operator_transitions_total{reason="Started"} 1.0' in answer.text
    assert answer.headers["Content-Type"].startswith("application/openmetrics-text")


def test_nothing_else_is_there():
    assert ask(Health(), "/").status_code == 404


def test_a_line_of_the_log_is_json_with_the_name_of_the_object_it_is_about():
    record = logging.LogRecord("operator", logging.WARNING, "", 0, "%s: late", ("Drain",), None)
    record.object = "shop/orders"
    line = json.loads(JsonLines().format(record))
    assert (line["object"], line["level"], line["message"]) == (
        "shop/orders", "WARNING", "Drain: late",
    )  # fmt: skip
    assert line["at"].endswith("+00:00")


def test_an_error_is_in_its_line():
    try:
        raise ValueError("of its own")
    except ValueError:
        record = logging.LogRecord("operator", logging.ERROR, "", 0, "broken", (), sys.exc_info())
    line = json.loads(JsonLines().format(record))
    assert "ValueError: of its own" in line["exception"]
    assert "object" not in line
