"""Dashboards are what the code says, ask only for what there is, and ask it in good PromQL."""

from __future__ import annotations

import json
import re

import promql_parser
import pytest

from lab.report.monitoring import VARIANTS
from observability.dashboards.__main__ import documents, drift
from observability.dashboards.all import DASHBOARDS
from observability.dashboards.panel import COLUMNS, MODES, asked, queries
from observability.dashboards.questions import NEEDED
from tests.unit.observability.queries import RULES, anybodys, summed, unknown

EACH = pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda each: each.uid)
DOCUMENTS = [json.loads(text) for text in documents().values()]
EACH_DOCUMENT = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda each: each["uid"])
RUNBOOKS = RULES.parents[1] / "docs" / "runbooks"
SHARED = ("bandstand-plumbing",)
OF_THE_SWITCH = ("bandstand_operator_", "bandstand_route_epoch")


def panels(document):
    return [panel for panel in document["panels"] if panel["type"] != "row"]


def variables(document):
    return {each["name"]: each for each in document["templating"]["list"]}


def test_the_committed_files_are_what_the_code_says():
    assert drift() == []


def test_uids_and_titles_are_fixed_and_different():
    assert {each["uid"] for each in DOCUMENTS} == {
        "bandstand-compare",
        "bandstand-orchestra",
        "bandstand-jazz-band",
        "bandstand-switch",
        "bandstand-plumbing",
        "bandstand-policy",
    }
    assert len({each["title"] for each in DOCUMENTS}) == len(DOCUMENTS)


@EACH
def test_queries_are_promql(dashboard):
    for panel, expr in queries(dashboard):
        assert promql_parser.parse(asked(expr)).prettify(), panel.title


def test_what_is_no_promql_is_refused():
    with pytest.raises(ValueError, match="unclosed"):
        promql_parser.parse("sum by (mode (rate(bandstand_orders_placed_total[1m]))")


@EACH
def test_queries_name_only_metrics_that_there_are(dashboard):
    for panel, expr in queries(dashboard):
        assert unknown(expr) == set(), panel.title
        assert summed(expr) == set(), panel.title
        assert anybodys(asked(expr)) == set(), panel.title


@EACH_DOCUMENT
def test_every_panel_has_a_question_to_answer(document):
    assert document["description"].endswith("?")
    for panel in panels(document):
        assert panel["description"].endswith(".")
        assert panel["targets"]


@EACH_DOCUMENT
def test_the_mode_is_said_in_every_query_or_the_panel_is_about_both(document):
    """So that nobody takes one mode's figure for both."""
    if document["uid"] in SHARED:
        return
    for panel in panels(document):
        for target in panel["targets"]:
            told = (
                "mode" in target["expr"] or "both modes" in panel["title"] + target["legendFormat"]
            )
            told = told or any(name in target["expr"] for name in OF_THE_SWITCH)
            assert told or panel["title"] in ("Where messages wait", "Alerts that are firing")


@EACH_DOCUMENT
def test_the_modes_are_chosen_in_grafana_where_there_is_a_choice(document):
    is_of_one_mode = document["uid"] in ("bandstand-orchestra", "bandstand-jazz-band")
    assert ("mode" in variables(document)) != is_of_one_mode
    assert ("$mode" in json.dumps(document)) != is_of_one_mode


@EACH_DOCUMENT
def test_the_sources_of_metrics_and_traces_are_chosen_in_grafana(document):
    uids = {panel["datasource"]["uid"] for panel in panels(document)}
    assert uids == {"${datasource}"}
    found = variables(document)
    assert (found["datasource"]["query"], found["traces"]["query"]) == ("prometheus", "jaeger")
    assert any("${traces}" in link["url"] for link in document["links"])


@EACH_DOCUMENT
def test_only_raw_series_are_asked_for_exemplars(document):
    for panel in panels(document):
        for target in panel["targets"]:
            assert not target["exemplar"] or "_bucket{" in target["expr"], panel["title"]


def test_latency_leads_to_traces():
    dotted = {
        document["uid"]
        for document in DOCUMENTS
        for panel in panels(document)
        if any(target["exemplar"] for target in panel["targets"])
    }
    assert dotted == {
        f"bandstand-{name}" for name in ("compare", "orchestra", "jazz-band", "switch")
    }


@EACH_DOCUMENT
def test_a_firing_alert_leads_to_its_runbook(document):
    (panel,) = [each for each in panels(document) if each["title"] == "Alerts that are firing"]
    (override,) = panel["fieldConfig"]["overrides"]
    (link,) = override["properties"][0]["value"]
    assert link["url"] == "${runbooks}/${__data.fields.runbook}.md"
    assert RULES.parents[1] / variables(document)["runbooks"]["query"] == RUNBOOKS


@EACH_DOCUMENT
def test_panels_have_ids_of_their_own_and_do_not_overlap(document):
    found = document["panels"]
    assert len({panel["id"] for panel in found}) == len(found)
    taken = set()
    for place in (panel["gridPos"] for panel in found):
        columns = range(place["x"], place["x"] + place["w"])
        rows = range(place["y"], place["y"] + place["h"])
        cells = {(x, y) for x in columns for y in rows}
        assert not cells & taken
        assert place["x"] + place["w"] <= COLUMNS
        taken |= cells


def test_a_choice_of_modes_is_what_grafana_would_send():
    assert asked('x{mode=~"$mode"}', MODES[:1]) == 'x{mode=~"orchestration"}'
    assert asked('x{mode=~"$mode"}') == 'x{mode=~"orchestration|choreography"}'


def test_with_a_conductor_one_query_tells_what_sagas_wait_for():
    assert NEEDED["orchestration"] == NEEDED["choreography, with a tracker"] == 1
    assert NEEDED["choreography"] > 1
    assert set(NEEDED) == set(VARIANTS)


def test_legends_name_labels_that_their_query_keeps():
    """`sum by (step)` drops every other label, and `{{mode}}` would be empty."""
    for dashboard in DASHBOARDS:
        for panel in (each for each in dashboard.panels or () if hasattr(each, "targets")):
            for target in panel.targets:
                kept = re.match(r"^(?:\w+) by \(([^)]*)\)", target.expr)
                if kept:
                    shown = set(re.findall(r"{{(\w+)}}", target.legend_format))
                    assert shown <= set(kept[1].split(", ")), panel.title
