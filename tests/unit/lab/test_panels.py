"""The dashboard's panels in the report, from its own queries."""

import msgspec

from lab.panels.drawn import COMPARE, drawn
from lab.panels.server import Series
from lab.report.page import render
from tests.unit.lab.reports import a_report

BEGAN = 1_000.0


class Told:
    """A Prometheus that answers every query alike, and remembers the queries."""

    def __init__(self, *answer, now=BEGAN + 120):
        self._answer, self._now = list(answer), now
        self.asked = []

    def now(self):
        return self._now

    def range(self, expr, start, end, step):
        self.asked.append((expr, start, end, step))
        return self._answer


def of(mode, *values):
    points = [(BEGAN + 2 * number, value) for number, value in enumerate(values)]
    return Series({"mode": mode, "outcome": "confirmed"}, points)


def test_every_panel_of_the_dashboard_is_asked_for_both_modes_since_the_beginning():
    server = Told(of("choreography", "1"))
    titles = [each.title for each in drawn(server, BEGAN)]
    panels = msgspec.json.decode(COMPARE.read_bytes())["panels"]
    assert titles == [panel["title"] for panel in panels if panel["type"] == "timeseries"]
    assert {(start, end, step) for _, start, end, step in server.asked} == {(1000.0, 1120.0, 1.0)}
    assert not any("$" in expr for expr, *_ in server.asked)
    assert any('mode=~"orchestration|choreography"' in expr for expr, *_ in server.asked)


def test_a_long_run_is_asked_for_no_more_points_than_a_chart_has():
    server = Told(now=BEGAN + 2_400)
    drawn(server, BEGAN)
    assert {step for *_, step in server.asked} == {10.0}


def test_lines_are_named_as_on_the_dashboard_and_what_is_no_number_is_a_gap():
    first = drawn(Told(of("choreography", "NaN", "4", "+Inf", "6")), BEGAN)[0]
    (line,) = first.lines
    assert (line.name, line.mode) == ("choreography confirmed", "choreography")
    assert (line.seconds, line.values) == ([2.0, 6.0], [4.0, 6.0])


def test_a_panel_without_anything_is_left_out():
    assert drawn(Told(of("choreography", "NaN")), BEGAN) == drawn(Told(), BEGAN) == []


def test_the_page_shows_the_panels_or_says_what_is_missing():
    with_panels = render(a_report())
    assert "Of the same load each mode gets its share." in with_panels
    without = render(msgspec.structs.replace(a_report(), panels=None))
    assert "for want of a Prometheus" in without
    assert "for want of a Prometheus" not in with_panels
