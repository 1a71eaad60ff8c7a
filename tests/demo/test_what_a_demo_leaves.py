"""What `make demo` has left in `out/`: traces of both modes that can be compared when all of it is
gone, and a report with every figure. For CI, right after a demo: `pytest tests/demo`."""

import json

import pytest

from lab.cli import main
from lab.report.monitoring import UNTRACKED, VARIANTS
from lab.report.page import read
from lab.traces import kept
from lab.traces.find import MODES
from tests.tools import lacking


@pytest.fixture(autouse=True)
def no_stack(tmp_path, monkeypatch):
    """It has ended, and what else may run here is not asked."""
    if not kept.FILE.is_file():
        lacking("there is no demo to look at: make demo ARGS=--once")
    monkeypatch.setenv("BANDSTAND_HOME", str(tmp_path))


def test_both_modes_traces_are_compared_and_none_has_an_orphan(capsys):
    assert main(["trace", "compare", "--last", "50", "--json"]) == 0
    modes = json.loads(capsys.readouterr().out)["modes"]
    assert set(modes) == set(MODES)
    for found in modes.values():
        assert found["traces"] == sum(found["outcomes"].values()) > 0
        assert found["orphans"] == 0
        assert found["hops"] > 0
        assert len(found["critical_path"]) > 1
        assert min(found["time_ms"].values()) >= 0 < found["total_ms"]


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_figure_of_monitoring_is_in_the_report(variant):
    """Where an order is, takes two places to ask who decides or tracks it, and one if it has ended
    by then, as some have where the machine was away for seconds."""
    found = read().monitoring.variants[variant]
    assert found.noticed > 0 < found.noticed_ms.p50
    assert 0 <= found.right <= found.asked > 0
    assert found.places == 1
    assert found.answer_ms.p50 > 0
    assert (found.word is None) == (variant == UNTRACKED)
    assert found.word is None or (1 < found.word.places <= 2 and found.word.ms.p50 > 0)
    assert 0 <= found.current_share <= found.known_share <= 1
    assert found.known_share > 0
    assert found.lag_ms.p95 > 0
    assert found.queries > 0 < found.series
    assert found.span_bytes_per_order > 0
    assert (found.knower_cpu_ms_per_order is None) == (variant == UNTRACKED)


def test_the_dashboards_panels_are_in_the_report():
    panels = read().panels
    assert panels
    assert all(line.values for panel in panels for line in panel.lines)


@pytest.mark.parametrize("mode", MODES)
def test_rules_that_changed_under_load_and_who_ignored_them_are_measured(mode):
    """Nothing that was planted went unnoticed; a conductor prevents what a participant ignores."""
    found = read().policy[mode]
    assert found.points == (1 if mode == "orchestration" else 3)
    assert found.skew_seconds >= 0 < found.decision_us
    assert 0 <= found.slipped < found.orders
    assert found.denied > 0 < found.coverage
    assert found.bypasses_prevented > 0 or mode != "orchestration"
    assert found.bypasses_detected > 0
    assert sum(each.undetected for each in found.misbehaviour.values()) == 0
