"""Dashboards are what the code says, fit their grid, and ask only for what there is."""

from __future__ import annotations

import json
import re

import pytest

from observability.dashboards.__main__ import documents, drift
from observability.dashboards.all import DASHBOARDS
from observability.dashboards.panel import COLUMNS, SCHEMA, render
from tests.unit.observability.queries import unknown

EACH = pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda each: each.uid)


def test_the_committed_files_are_what_the_code_says():
    assert drift() == []


def test_uids_and_titles_are_fixed_and_different():
    found = [json.loads(text) for text in documents().values()]
    assert {each["uid"] for each in found} == {
        "bandstand-compare",
        "bandstand-orchestra",
        "bandstand-jazz-band",
        "bandstand-switch",
    }
    assert len({each["title"] for each in found}) == len(found)


@EACH
def test_queries_name_only_metrics_that_there_are(dashboard):
    for panel in dashboard.panels():
        for query in panel.queries:
            assert unknown(query.expr) == set(), panel.title


@EACH
def test_every_panel_has_a_question_to_answer(dashboard):
    assert dashboard.question.endswith("?")
    for panel in dashboard.panels():
        assert panel.why.endswith(".")
        assert panel.queries


@EACH
def test_the_mode_is_said_in_every_query_or_in_its_title(dashboard):
    """So that nobody takes one mode's figure for both."""
    for panel in dashboard.panels():
        for query in panel.queries:
            told = "mode" in query.expr or "mode" in query.legend
            assert told or panel.title in ("Answers to orders", "Unsent and parked messages")


@EACH
def test_the_source_of_data_is_chosen_in_grafana(dashboard):
    document = render(dashboard)
    asked = re.findall(r'"type": "prometheus", "uid": "([^"]*)"', json.dumps(document))
    assert set(asked) == {"${datasource}"}
    assert document["templating"]["list"][0]["name"] == "datasource"
    assert document["schemaVersion"] == SCHEMA


@EACH
def test_panels_have_ids_of_their_own_and_do_not_overlap(dashboard):
    panels = render(dashboard)["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken = set()
    for place in (panel["gridPos"] for panel in panels):
        columns = range(place["x"], place["x"] + place["w"])
        rows = range(place["y"], place["y"] + place["h"])
        cells = {(x, y) for x in columns for y in rows}
        assert not cells & taken
        assert place["x"] + place["w"] <= COLUMNS
        taken |= cells
