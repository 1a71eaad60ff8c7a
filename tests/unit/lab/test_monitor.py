"""Who notices a stalled saga, and what is counted for it."""

from types import SimpleNamespace
from typing import ClassVar

import msgspec
import pytest
from kafka import TopicPartition

from lab.errors import NotReadyError
from lab.monitor import alarms as alarms_module
from lab.monitor import knowing
from lab.monitor.alarms import Alarm, Alarms, Noticed
from lab.monitor.exposition import Sample, samples
from lab.monitor.knowing import await_caught_up
from lab.monitor.series import of_mode
from lab.monitor.stall import Stalled
from lab.quantiles import Quantiles
from lab.report.monitoring import CONDUCTED, TRACKED, UNTRACKED, Answers
from lab.report.page import render, seconds
from lab.report.tables import in_words, watched_side_by_side
from services.kit.message import Mode
from services.kit.metrics import Metrics
from tests.unit.lab.reports import a_monitoring, a_report

PASSED = "bandstand_deadlines_passed_total"
ORDERS, NOTIFICATIONS, UNUSED = (TopicPartition(name, 0) for name in ("orders", "told", "unused"))


def test_series_are_read_with_their_labels_whatever_is_in_them():
    text = (
        "# HELP x Some {words} 7\n"
        "x 3.0\n"
        'y_total{mode="a",why="said \\"no\\" {twice}"} 2.0 # {trace_id="f00"} 0.5 17.0\n'
        "# EOF\n"
    )
    assert list(samples(text)) == [
        Sample("x", {}, 3.0),
        Sample("y_total", {"mode": "a", "why": 'said \\"no\\" {twice}'}, 2.0),
    ]


def test_every_series_that_a_service_shows_is_read():
    metrics = Metrics("order")
    metrics.placed.labels("choreography").inc(2)
    metrics.order_duration.labels("choreography", "confirmed").observe(0.1)
    text = metrics.exposition().decode()
    told = [line for line in text.splitlines() if not line.startswith("#")]
    assert len(list(samples(text))) == len(told) > 20


def test_a_mode_needs_its_own_series_and_those_of_no_mode():
    mine, other, neither = (
        Sample("x", labels, 1)
        for labels in ({"mode": "choreography"}, {"mode": "orchestration"}, {})
    )
    exposed = {"order": [mine, other, neither], "orchestrator": [other, neither]}
    assert of_mode(Mode.CHOREOGRAPHY, exposed, ["order"]) == 2
    assert of_mode(Mode.ORCHESTRATION, exposed, ["order", "orchestrator"]) == 4


class Exposing:
    """A service whose counter shows one number after the other, for each step."""

    numbers: ClassVar = {}

    def __init__(self, url):
        self._looks = iter(self.numbers[url])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def text(self, _path):
        lines = [
            f'{PASSED}{{mode="orchestration",step="{step}"}} {count}'
            for step, count in next(self._looks).items()
        ]
        return "\n".join([*lines, f'{PASSED}{{mode="choreography",step="order"}} 99'])


@pytest.fixture
def watch(monkeypatch):
    monkeypatch.setattr(alarms_module, "PAUSE_SECONDS", 0.0)

    def run(expected, *numbers, timeout=5, **replicas):
        shown = replicas or {"orchestrator-0": numbers}
        monkeypatch.setattr(Exposing, "numbers", shown)
        monkeypatch.setattr(alarms_module, "Api", Exposing)
        alarm = Alarm(list(shown), PASSED, Mode.ORCHESTRATION, "step")
        with Alarms({"it": alarm}) as alarms:
            alarms.wait({"it": expected}, timeout)
            return alarms.noticed("it")

    return run


def test_only_what_rises_is_noticed_and_named(watch):
    found = watch(3, {"A": 7, "B": 0}, {"A": 7, "B": 0}, {"A": 7, "B": 1}, {"A": 7, "B": 3})
    assert found.said == ["B"]
    assert len(found.at) == 3
    assert found.at[0] < found.at[1] == found.at[2]


def test_whichever_replica_notices_it_is_noticed(watch):
    found = watch(2, one=({"A": 7}, {"A": 8}, {"A": 8}), other=({}, {}, {"B": 1}))
    assert len(found.at) == 2
    assert found.said == ["A", "B"]


def test_what_is_not_noticed_in_time_is_not_made_up(watch):
    assert watch(1, {"A": 7}, {"A": 7}, timeout=0) == Noticed([], [])


class Broker:
    """What the tracker has read, one look after the other; the last one is repeated."""

    def __init__(self, *read):
        self.read = list(read)

    def ends(self, _mode):
        return {ORDERS: 900, NOTIFICATIONS: 300, UNUSED: 0}

    def committed(self, _group):
        return self.read.pop(0) if len(self.read) > 1 else self.read[0]


def test_a_tracker_has_caught_up_when_it_has_read_every_topic(monkeypatch):
    monkeypatch.setattr(knowing, "LOOK_SECONDS", 0)
    ended = {NOTIFICATIONS: 300}
    broker = Broker({}, ended, {**ended, ORDERS: 899}, {**ended, ORDERS: 900})
    await_caught_up(SimpleNamespace(broker=broker))
    assert broker.read == [{**ended, ORDERS: 900}]


def test_a_tracker_that_does_not_catch_up_is_said(monkeypatch):
    monkeypatch.setattr(knowing, "PATIENCE_SECONDS", 0)
    with pytest.raises(NotReadyError, match="does not catch up"):
        await_caught_up(SimpleNamespace(broker=Broker({NOTIFICATIONS: 300})))


def test_the_time_to_notice_is_counted_from_each_orders_own_placing():
    answers = Answers(0, 0, 0.0, Quantiles(0))
    stalled = Stalled(
        placed={Mode.ORCHESTRATION: [10.0, 11.0, 12.0], Mode.CHOREOGRAPHY: []},
        noticed={CONDUCTED: Noticed([15.0, 16.5], ["ArrangeShipment"])},
        answers={CONDUCTED: answers},
        words={CONDUCTED: answers},
    )
    assert stalled.after_ms(CONDUCTED) == [5000.0, 5500.0]


def test_the_page_tells_all_three_ways_of_watching():
    page = render(a_report())
    assert "Who notices, and who can tell why?" in page
    for words in (
        "10.5 s",
        "5.8 s",
        "5.4 s",
        "only that it is late",
        "ShipmentArranged",
        "none is there for that",
        "5.0, 17",
        "2.0 places, 6.2 ms",
        "nobody does",
    ):
        assert words in page


def test_a_report_without_the_experiment_is_a_report():
    page = render(msgspec.structs.replace(a_report(), monitoring=None))
    assert "Who notices" not in page


def test_what_nobody_noticed_is_said():
    variants = a_monitoring().variants
    assert in_words(variants[TRACKED]).startswith("noticed after 5.8 s, naming ShipmentArranged")
    assert seconds(None) == "not noticed"
    assert watched_side_by_side(a_monitoring()).row_count == 15
    assert in_words(variants[UNTRACKED]).endswith("; nobody who decides or tracks it")
    assert variants[UNTRACKED].knower_cpu_ms_per_order is None
