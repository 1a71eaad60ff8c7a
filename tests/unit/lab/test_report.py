"""The report: what must be in it, and that it needs nothing from elsewhere."""

import json
import re
from html.parser import HTMLParser

import msgspec
import pytest
from msgspec.structs import replace

from lab.errors import MissingError
from lab.quantiles import Quantiles
from lab.report.figures import Answer, whereabouts
from lab.report.model import Report, Spread
from lab.report.page import milliseconds, number, read, render, write
from tests.unit.lab.reports import a_report

MODE_FIELDS = {
    "orders",
    "confirmed",
    "rejected",
    "latency_ms",
    "throughput_per_s",
    "messages_per_order",
    "cpu_ms_per_order",
}
POLICY_FIELDS = {
    "points",
    "skew_seconds",
    "slipped",
    "decision_us",
    "bypasses_prevented",
    "bypasses_detected",
}


class Links(HTMLParser):
    """Everything a browser would fetch."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attributes):
        self.found += [value for name, value in attributes if name in ("src", "href") and value]


def without_scripts(page):
    return re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)


def test_a_report_without_faults_and_stalls_says_nothing_of_them():
    demo = a_report()
    calm = replace(demo, faults=replace(demo.faults, rules=[]), monitoring=None, panels=None)
    assert re.search("faults|dashboard", "".join(headings(demo)))
    assert not re.search("faults|dashboard", "".join(headings(calm)))
    assert "with faults on" not in without_scripts(render(calm))


def headings(report):
    return re.findall(r"<h2>(.*?)</h2>", render(report))


def test_report_json_has_what_others_rely_on(tmp_path):
    write(a_report(), tmp_path)
    document = json.loads((tmp_path / "report.json").read_text())
    assert set(document["modes"]) == {"orchestration", "choreography"}
    for mode in document["modes"].values():
        assert mode.keys() >= MODE_FIELDS
        assert mode["latency_ms"].keys() >= {"p50", "p95", "p99"}
    expected = {"switches", "orders", "lost", "duplicated", "stuck", "drain_seconds"}
    assert document["switch"].keys() >= expected
    assert all(each.keys() >= {"name", "checked", "violations"} for each in document["invariants"])
    assert set(document["policy"]) == {"orchestration", "choreography"}
    assert all(policy.keys() >= POLICY_FIELDS for policy in document["policy"].values())


def test_the_page_tells_who_had_to_learn_of_a_rule_and_is_silent_where_there_was_none():
    assert "enforcement points that had to learn" in render(a_report())
    assert "One more rule" not in render(msgspec.structs.replace(a_report(), policy={}))


def test_the_page_tells_by_version_what_slipped_and_what_became_of_each_misbehaviour():
    page = without_scripts(render(a_report()))
    for told in ("7: 0, 8: 1", "9 prevented, 0 found", "0 prevented, 7 found, 1 not found"):
        assert told in page
    assert page.count("0 prevented, 12 found") == 2


def test_a_report_from_before_these_were_counted_is_shown_all_the_same():
    earlier = {
        mode: msgspec.structs.replace(each, slipped_by_version={}, misbehaviour={})
        for mode, each in a_report().policy.items()
    }
    page = render(msgspec.structs.replace(a_report(), policy=earlier))
    assert "One more rule" in page


def test_a_report_can_be_read_back(tmp_path):
    write(a_report(), tmp_path)
    assert read(tmp_path) == a_report()


def test_a_missing_or_foreign_report_is_an_error_that_says_so(tmp_path):
    with pytest.raises(MissingError, match="demo"):
        read(tmp_path)
    (tmp_path / "report.json").write_text("{}")
    with pytest.raises(MissingError, match="not a report of this version"):
        read(tmp_path)


def test_the_page_loads_nothing_and_holds_the_chart_library_once():
    page = render(a_report())
    links = Links()
    links.feed(without_scripts(page))
    assert links.found == []
    assert "url(" not in without_scripts(page)
    assert len(re.findall(r"<script>/\*\*\n\* plotly\.js", page)) == 1
    assert "default-src 'none'" in page


def with_mode(report, **changes):
    changed = msgspec.structs.replace(report.modes["choreography"], **changes)
    return msgspec.structs.replace(report, modes={**report.modes, "choreography": changed})


def test_too_few_samples_are_said_not_shown_as_nought():
    few = with_mode(a_report(), latency_ms=Quantiles(60, 20.0, 30.0))
    enough, page = without_scripts(render(a_report())), without_scripts(render(few))
    assert page.count("too few samples") == enough.count("too few samples") + 1
    assert number(None) == milliseconds(None) == "too few samples"


def test_cpu_of_a_broker_elsewhere_is_said_to_be_unknown():
    page = without_scripts(render(with_mode(a_report(), cpu_ms_per_order=None)))
    assert "not all of it runs here" in page


def test_a_sound_run_says_so():
    page = render(a_report())
    assert "Nothing lost, nothing twice, nothing stuck." in page
    assert "A promise was broken." not in page


@pytest.mark.parametrize("report", [a_report(violations=1), a_report(lost=1)])
def test_a_broken_promise_cannot_be_overlooked(report):
    assert not report.sound
    assert "A promise was broken." in render(report)


def test_what_a_name_contains_cannot_become_markup():
    report = msgspec.structs.replace(
        a_report(),
        invariants=[
            msgspec.convert(
                {"name": "<b>x</b>", "checked": 1, "violations": 0},
                type=type(a_report().invariants[0]),
            )
        ],
    )
    assert "<b>x</b>" not in render(report)


def test_where_an_order_is_counts_only_for_orders_under_way():
    answers = [Answer(True, 5, 10.0), Answer(False, 1, 2.0), Answer(True, 4, 12.0)]
    found = whereabouts(answers)
    assert (found.asked, found.under_way, found.places) == (3, 2, 4.5)
    assert found.ms.p50 == 11.0
    assert whereabouts([]).places is None


def a_cell(point="before_commit", direction="forward", **more):
    cell = {"service": "payment", "mode": "choreography", "kills": 1, "orders": 9, "violations": 0}
    return {**cell, "point": point, "direction": direction, **more}


def with_a_matrix(folder, *cells):
    (folder / "chaos.json").write_text(json.dumps({"rate": 40, "cells": cells}))
    page = write(a_report(), folder)
    return read(folder).chaos, page.read_text()


def test_recoveries_are_in_the_report_once_a_matrix_is_there(tmp_path):
    fast, slow = a_cell(gap_seconds=1.0), a_cell("after_poll", "backward", gap_seconds=3.0)
    broker = a_cell("broker_killed", "both", service="kafka", gap_seconds=7.0, lasted_seconds=5.0)
    chaos, page = with_a_matrix(tmp_path, fast, slow, broker)
    assert (chaos.cells, chaos.struck, chaos.violations) == (3, 3, 0)
    killed, restarted = chaos.rows
    assert (killed.fault, killed.gap_seconds) == ("killed", Spread(2.0, 3.0))
    assert (restarted.fault, restarted.lasted_seconds) == ("broker_killed", 5.0)
    assert "payment: killed, 2 times" in page
    assert "kafka: broker killed" in page


def test_without_a_matrix_the_report_does_not_speak_of_one(tmp_path):
    assert "How long a fault is felt" not in write(a_report(), tmp_path).read_text()
    (tmp_path / "chaos.json").write_text("[]")
    write(a_report(), tmp_path)
    assert read(tmp_path).chaos is None


def test_cells_that_were_not_played_are_not_said_to_be_struck(tmp_path):
    (tmp_path / "chaos.json").write_text(json.dumps({"planned": 3, "cells": [a_cell()]}))
    write(a_report(), tmp_path)
    chaos = read(tmp_path).chaos
    assert (chaos.struck, chaos.cells) == (1, 3)


def test_a_cell_that_was_not_struck_or_broke_something_is_counted(tmp_path):
    chaos, _ = with_a_matrix(tmp_path, a_cell(kills=0), a_cell(violations=2))
    assert (chaos.struck, chaos.violations) == (1, 2)
    assert chaos.rows[0].gap_seconds is None


def test_every_field_of_the_report_survives_json():
    encoded = msgspec.json.encode(a_report())
    assert msgspec.json.decode(encoded, type=Report) == a_report()
