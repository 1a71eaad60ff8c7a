"""Medians over runs, ratios between systems, and targets held or missed."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.growth import growth
from benchmarks.results import Document, medians, ratios, result, spread
from benchmarks.targets import RATIO, tally, targets
from lab.quantiles import Quantiles
from tests.unit.benchmarks.builders import (
    AT,
    CHOREOGRAPHY,
    NAMES,
    ORCHESTRATION,
    a_document,
    a_growth,
    a_result,
    a_run,
    a_stretch,
    at_rest,
)

figures = st.lists(st.floats(0, 1_000), min_size=1, max_size=9)


def held(document, what):
    (target,) = [target for target in targets(document) if target.what == what]
    return target.held


@given(figures)
def test_a_median_lies_within_its_range(values):
    found = spread(values)
    assert found.low <= found.median <= found.high


def test_a_figure_is_the_median_of_its_runs_and_not_their_mean():
    runs = [a_run(cpu=1.0, rate=100), a_run(cpu=2.0, rate=200), a_run(cpu=9.0, rate=900)]
    found = result("dbos", runs, AT)
    assert (found.cpu_seconds_per_1000, found.sagas_per_s, found.runs) == (2.0, 200.0, 3)
    assert found.ranges["cpu_seconds_per_1000"].high == 9.0


def test_latency_is_that_of_the_steady_load_and_cost_that_of_saturation():
    found = a_result("dbos", cpu=5.0, p50=12.0, p99=60.0)
    assert found.latency_ms_at_20 == {"p50": 12.0, "p95": 36.0, "p99": 60.0}
    assert (found.cpu_seconds_per_1000, found.cpu_seconds_per_1000_at_20) == (5.0, 15.0)


def test_a_percentile_that_no_run_could_tell_is_left_out():
    run = msgspec.structs.replace(
        a_run(), steady=a_stretch(latency=Quantiles(50, 20.0, 30.0, None))
    )
    assert set(result("dbos", [run], AT).latency_ms_at_20) == {"p50", "p95"}


def test_a_process_that_was_not_there_in_a_run_counts_as_nought():
    assert medians([{"a": 1.0}, {"a": 3.0, "b": 2.0}, {"a": 2.0}]) == {"a": 2.0, "b": 0.0}


def test_batches_are_told_beside_the_floor_and_not_in_it():
    found = result("floor", [a_run(cpu=2.5)], AT, batched=[a_stretch(0.1, 9_000.0)])
    assert found.batched is not None
    assert (found.cpu_seconds_per_1000, found.batched.cpu_seconds_per_1000) == (2.5, 0.1)


def test_a_ratio_says_how_many_times_the_cpu_another_takes():
    document = a_document(temporal=30.0, floor=1.0)
    found = ratios(document, CHOREOGRAPHY, ["temporal", "dbos", "floor"])
    assert found == {"temporal": 15.0, "floor": 0.5}


def test_without_our_own_figure_there_is_no_ratio():
    assert ratios(Document([a_result("temporal", 30.0)]), CHOREOGRAPHY, ["temporal"]) == {}


def test_what_is_measured_again_replaces_what_was_there_and_keeps_its_place():
    document = a_document(temporal=30.0)
    again = document.with_result(a_result(CHOREOGRAPHY, 4.0), NAMES)
    assert [each.system for each in again.results] == [ORCHESTRATION, CHOREOGRAPHY, "temporal"]
    assert again.results[1].cpu_seconds_per_1000 == 4.0


def test_a_document_is_read_back_as_it_was_written():
    document = msgspec.structs.replace(a_document(floor=1.0), growth=[a_growth()])
    assert msgspec.json.decode(msgspec.json.encode(document), type=Document) == document


def test_each_result_has_what_the_issue_asks_for():
    (written,) = msgspec.json.decode(msgspec.json.encode([a_result("dbos")]))
    wanted = {"system", "cpu_seconds_per_1000", "sagas_per_s", "latency_ms_at_20", "runs"}
    assert wanted <= set(written)


@pytest.mark.parametrize(("peer", "is_held"), [(2.0 * RATIO, True), (2.0 * RATIO - 1, False)])
def test_a_peer_has_to_cost_six_times_as_much(peer, is_held):
    document = a_document(faststream=peer)
    assert held(document, "choreography: times cheaper than faststream") is is_held


def test_what_was_not_measured_is_neither_held_nor_missed():
    found = targets(Document())
    assert tally(found) == f"0 held, 0 missed, {len(found)} not measured"


@pytest.mark.parametrize(("after", "is_held"), [(2.2, True), (2.3, False)])
def test_cost_may_grow_by_a_tenth(after, is_held):
    document = Document(growth=[a_growth(before=(2.0,), after=(after,))])
    assert held(document, "orchestration: growth with finished sagas") is is_held


def test_growth_compares_the_medians_of_both_sides():
    before, after = [a_stretch(2.0), a_stretch(2.0)], [a_stretch(2.5), a_stretch(3.5)]
    assert growth(ORCHESTRATION, 1_000, before, after).percent == pytest.approx(50.0)


def test_the_servers_memory_is_not_that_of_a_python_process():
    document = Document([a_result(ORCHESTRATION)])
    assert held(document, "orchestration: the largest Python process") is True


def test_an_idle_stack_may_take_a_tenth_of_a_core():
    document = Document([a_result(ORCHESTRATION, idle=at_rest(11.0))])
    assert held(document, "orchestration: CPU of the idle stack, of a core") is False
