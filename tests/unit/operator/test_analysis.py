"""What measured values mean."""

import re
from pathlib import Path

import pytest
from msgspec.structs import replace
from promql_parser import parse

from coordination_operator.analysis import (
    Sample,
    asked,
    judge,
    needs_stable,
    notes,
    promql,
    record,
    within,
)
from coordination_operator.resources import (
    Analysis,
    Compare,
    Metric,
    NoData,
    Range,
    Template,
    Who,
    length,
)
from coordination_operator.status import Verdict
from services.kit.message import Mode
from tests.unit.operator.builders import START, seconds

SHARE = Metric(name="errors", template=Template.ERROR_SHARE)
SLOWER = Metric(name="slower", query="x{$mode}", compare=Compare(max_ratio=2, tolerance=1))


def verdict(metric, sample):
    return judge(metric, sample, Who.CHOREOGRAPHY, START)


@pytest.mark.parametrize(
    ("metric", "sample", "expected"),
    [
        (SHARE, Sample(0.02), Verdict.PASS),
        (SHARE, Sample(0.021), Verdict.FAIL),
        (SHARE, Sample(None), Verdict.NO_DATA),
        (SHARE, Sample(float("nan")), Verdict.NO_DATA),
        (SHARE, Sample(float("inf")), Verdict.FAIL),
        (SHARE, Sample(error="away"), Verdict.ERROR),
        (SLOWER, Sample(float("inf"), 2), Verdict.FAIL),
        (SLOWER, Sample(float("inf"), float("inf")), Verdict.NO_DATA),
        (SLOWER, Sample(1, float("nan")), Verdict.NO_DATA),
        (SLOWER, Sample(5, 2), Verdict.PASS),
        (SLOWER, Sample(5.1, 2), Verdict.FAIL),
        (SLOWER, Sample(5, None), Verdict.NO_DATA),
        (SLOWER, Sample(0.5, 0), Verdict.PASS),
        (Metric(name="m", query="x", threshold_range=Range(min=3)), Sample(2), Verdict.FAIL),
        (Metric(name="m", query="x", threshold_range=Range(min=3)), Sample(3), Verdict.PASS),
    ],
)
def test_a_value_is_judged_by_its_bounds(metric, sample, expected):
    assert verdict(metric, sample).verdict is expected


@pytest.mark.parametrize(
    ("no_data", "expected"),
    [(NoData.WAIT, Verdict.NO_DATA), (NoData.FAIL, Verdict.FAIL), (NoData.PASS, Verdict.PASS)],
)
def test_no_data_counts_as_what_was_asked_for(no_data, expected):
    metric = Metric(name="m", query="x", threshold_range=Range(max=1), no_data=no_data)
    assert verdict(metric, Sample(None)).verdict is expected


def test_a_verdict_says_the_values_and_the_bounds():
    said = verdict(SLOWER, Sample(5.1, 2)).message
    assert said == "slower: 5.1 in Choreography, 2 in Orchestration, so at most 5 is allowed"


def test_what_is_infinite_is_shown_as_prometheus_writes_it_and_is_no_lack_of_data():
    metric = Metric(name="m", query="x", threshold_range=Range(max=1), no_data=NoData.PASS)
    found = verdict(metric, Sample(float("inf")))
    assert (found.verdict, found.value) == (Verdict.FAIL, "+Inf")
    assert found.message == "m: +Inf in Choreography, at most 1 is allowed"


@pytest.mark.parametrize(("reach", "window"), [(90, "1m"), (60, "1m"), (17.9, "17s"), (0, "1s")])
def test_a_window_covers_no_earlier_switch(reach, window):
    assert within(seconds(reach), Analysis(window="1m")).window == window


def test_what_is_not_there_yet_in_a_window_that_was_cut_short_is_waited_for():
    metric = replace(SHARE, no_data=NoData.FAIL)
    found = judge(metric, Sample(None), Who.CHOREOGRAPHY, START, cut_short=True)
    assert found.verdict is Verdict.NO_DATA
    wanted = Analysis(window="1m", metrics=(metric,))
    assert within(None, wanted) is within(seconds(60), wanted) is wanted


def test_failures_are_counted_within_one_epoch_only():
    bad = [verdict(SHARE, Sample(0.9))]
    first = record(None, 7, START, bad)
    second = record(first, 7, START, bad)
    assert [each.metrics[0].failures for each in (first, second)] == [1, 2]
    assert record(second, 8, START, bad).metrics[0].failures == 1


def test_failures_are_counted_of_one_question_only():
    bad = [verdict(SHARE, Sample(0.9))]
    other = [verdict(replace(SHARE, threshold_range=Range(max=0.1)), Sample(0.9))]
    first = record(None, 7, START, bad)
    assert record(first, 7, START, other).metrics[0].failures == 1
    assert record(first, 7, START, bad).metrics[0].failures == 2


@pytest.mark.parametrize(
    "edit",
    [
        {"template": Template.LATENCY_P99},
        {"threshold_range": Range(max=0.5)},
        {"compare": Compare()},
        {"no_data": NoData.PASS},
    ],
)
def test_another_question_is_told_from_the_same_by_all_that_a_verdict_depends_on(edit):
    assert asked(replace(SHARE, **edit)) != asked(SHARE)


def test_what_only_follows_from_a_verdict_makes_no_other_question():
    assert asked(replace(SHARE, failure_limit=3, dry_run=True)) == asked(SHARE)


@pytest.mark.parametrize(("dry_run", "held"), [(True, False), (False, True)])
def test_a_failure_of_which_nothing_follows_is_told_once(dry_run, held):
    bad = verdict(replace(SHARE, dry_run=dry_run), Sample(0.9))
    first = record(None, 1, START, [bad])
    assert [note.reason for note in notes(None, first, held)] == ["MeasurementFailed"]
    assert notes(first, record(first, 1, START, [bad]), held) == ()


def test_every_failure_that_counts_is_told_but_no_data_only_once():
    bad, none = verdict(SHARE, Sample(0.9)), verdict(SHARE, Sample(None))
    quiet = record(None, 1, START, [none])
    assert [note.reason for note in notes(None, quiet)] == ["Inconclusive"]
    assert notes(quiet, record(quiet, 1, START, [none])) == ()
    loud = record(quiet, 1, START, [bad])
    assert len(notes(loud, record(loud, 1, START, [bad]))) == 1


@pytest.mark.parametrize("template", Template)
def test_every_ready_made_query_is_promql_for_one_mode(template):
    metric = Metric(name="m", template=template)
    query = promql(metric, Mode.CHOREOGRAPHY, "1m", 'namespace="shop"')
    parse(query)
    assert "$" not in query
    assert query.count('mode="choreography"') == query.count('namespace="shop"') > 0


def test_what_is_an_answer_to_a_customer_is_the_same_to_the_operator_and_to_the_objectives():
    """A rule that denies breaks no objective, and takes back no switch."""
    text = (Path(__file__).parents[3] / "observability" / "rules" / "objectives.yml").read_text()
    asked = promql(Metric(name="m", template=Template.ERROR_SHARE), Mode.CHOREOGRAPHY, "1m")
    (answers,) = set(re.findall(r'reason!~"([^"]*)"', text))
    assert re.findall(r'reason!~"([^"]*)"', asked) == [answers]


def test_only_a_comparison_needs_the_stable_mode():
    assert needs_stable(SLOWER)
    assert not needs_stable(SHARE)
    assert needs_stable(Metric(name="m", template=Template.COMPENSATIONS_PER_ORDER))


@pytest.mark.parametrize(
    ("text", "count"), [("90s", 90), ("1m30s", 90), ("1h", 3600), ("500ms", 0.5), ("0s", 0)]
)
def test_a_duration_reads_as_kubernetes_writes_it(text, count):
    assert length(text) == seconds(count)
