"""Spans become a tree, and the tree's critical path accounts for every microsecond of it."""

from itertools import pairwise
from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.traces.critical import Times, admission, critical_path, split
from lab.traces.measure import measure, summarize
from lab.traces.span import Kind
from lab.traces.tree import NoTreeError, grow
from tests.unit.lab.traces import a_chain, a_root, a_span, sagas


def test_a_chain_is_split_into_its_parts():
    path = critical_path(grow(a_chain()))
    assert [span.id[-1] for span in path] == ["0", "1", "2", "3", "4"]
    # 0-100 and 200-250 and 400-1000, 150-200 and 300-400, 100-150 and 250-300
    assert split(path) == Times(work=0.75, queue=0.15, broker=0.1)


def test_what_a_handler_waited_for_the_database_is_told_apart():
    chain = a_chain()
    chain[2] = msgspec.structs.replace(chain[2], tags={"bandstand.database_seconds": "0.00003"})
    waited = {"bandstand.database_seconds": "0.00006"}
    admit = msgspec.structs.replace(a_span(9, 0, "admit", 10, 90), tags=waited)
    tree = grow([*chain, admit])
    # of 0-100 60 and of 200-250 30, the rest of 0.75 is work
    assert split(critical_path(tree), admission(tree)) == Times(
        work=0.66, queue=0.15, broker=0.1, database=0.09
    )


def test_nobody_waits_for_the_database_longer_than_until_what_is_sent_next():
    chain = a_chain()
    chain[2] = msgspec.structs.replace(chain[2], tags={"bandstand.database_seconds": "9"})
    assert split(critical_path(grow(chain))).database == 0.05


def test_a_deadline_is_waited_for_like_a_reader():
    late = [
        a_root(),
        a_span(1, 0, "timeout", 500, 560),
        a_span(2, 1, "send", 560, 600),
        a_span(3, 2, "process", 600, 900),
    ]
    assert split(critical_path(grow(late))) == Times(work=0.36, queue=0.5, broker=0.04)


def test_a_reader_that_is_faster_than_the_acknowledgement_has_waited_for_the_broker_only():
    spans = [a_root(), a_span(1, 0, "send", 100, 500), a_span(2, 1, "process", 200, 300)]
    assert split(critical_path(grow(spans))) == Times(work=0.2, queue=0.0, broker=0.1)


def test_a_chain_in_figures():
    found = measure(grow(a_chain()))
    assert (found.spans, found.orphans, found.hops, found.depth, found.fan_out) == (5, 0, 2, 2, 1)
    assert found.services == ["inventory", "order"]
    assert found.critical_path == ["saga order", "inventory ReserveStock", "order StockReserved"]
    assert found.total_ms == 1.0


def test_at_a_fork_the_path_is_the_branch_that_closed_the_saga():
    fork = [
        a_root(),
        a_span(1, 0, "send", 10, 20),
        a_span(2, 0, "send", 10, 20),
        a_span(3, 1, "process", 30, 40),
        a_span(4, 2, "process", 50, 90),
    ]
    found = measure(grow(fork))
    assert [span.id[-1] for span in critical_path(grow(fork))] == ["0", "2", "4"]
    assert (found.fan_out, found.hops, found.depth) == (2, 1, 1)


def test_the_path_ends_with_what_ended_the_order_not_with_the_half_beside_it():
    """Both halves of a join in one batch begin together; which has the greater id is chance."""
    for first, second in ((4, 5), (5, 4)):
        join = [
            a_root(),
            a_span(1, 0, "send", 10, 20),
            a_span(2, 0, "send", 10, 30),
            a_span(first, 1, "process", 50, 90),
            a_span(second, 2, "process", 50, 90, saga_result="OrderConfirmed"),
        ]
        assert critical_path(grow(join))[-1].id == f"{second:016x}"


def test_the_path_ends_where_the_order_was_rejected_first():
    """It is asked about again when its deadline passes, and rejected again."""
    rejections = [
        a_root(outcome="rejected"),
        a_span(1, 0, "send", 10, 20),
        a_span(2, 1, "process", 30, 40, "payment", saga_result="PaymentDeclined"),
        a_span(3, 2, "send", 40, 50, "payment"),
        a_span(4, 3, "process", 60, 90, saga_result="OrderRejected"),
        a_span(5, 0, "send", 200, 210),
        a_span(6, 5, "process", 300, 310, saga_result="OrderRejected", saga_attempt="2"),
        a_span(7, 4, "process", 400, 410),
    ]
    assert measure(grow(rejections)).hops == 2
    assert [span.id[-1] for span in critical_path(grow(rejections))] == list("01234")


def test_what_others_do_after_the_saga_is_closed_is_not_on_its_path():
    late = a_span(9, 3, "process", 700, 5_000, "orchestrator")
    after = a_span(8, 3, "process", 2_000, 2_010)
    path = critical_path(grow([*a_chain(), late, after]))
    assert path[-1].id[-1] == "4"


def test_an_orphan_is_told_and_what_hangs_below_it_is_none():
    spans = [*a_chain(), a_span(20, 99, "send"), a_span(21, 20, "process")]
    tree = grow(spans)
    assert [span.id[-2:] for span in tree.orphans] == ["14"]
    assert len(list(tree.all())) == len(spans)
    assert measure(tree).spans == len(spans)


def test_a_span_that_was_told_twice_is_one():
    assert len(list(grow([*a_chain(), *a_chain()]).all())) == 5


def test_a_saga_below_its_callers_span_has_no_orphan():
    root = a_span(0, 77, "saga", end=1_000)
    assert grow([root, *a_chain()[1:]]).orphans == []


@pytest.mark.parametrize("spans", [[], a_chain()[1:], [a_root(), a_span(5, kind="saga")]])
def test_what_is_not_one_finished_saga_is_refused(spans):
    with pytest.raises(NoTreeError, match="under way"):
        grow(spans)


@given(sagas(), st.randoms(use_true_random=False))
def test_the_order_in_which_spans_arrive_does_not_matter(spans, random: Random):
    shuffled = random.sample(spans, len(spans))
    assert measure(grow(shuffled)) == measure(grow(spans))
    assert list(grow(shuffled).all()) == list(grow(spans).all())


@given(sagas())
def test_every_span_is_in_the_tree_once_and_below_its_parent(spans):
    seen = []
    for depth, span in grow(spans).all():
        assert span.parent is None or span.parent in {each.id for _, each in seen}
        assert (depth == 0) == (span.kind is Kind.SAGA)
        seen.append((depth, span))
    assert sorted(span.id for _, span in seen) == sorted(span.id for span in spans)


@given(sagas())
def test_the_path_goes_from_the_root_from_parent_to_child(spans):
    path = critical_path(grow(spans))
    assert path[0].kind is Kind.SAGA
    assert all(child.parent == parent.id for parent, child in pairwise(path))


@given(sagas())
def test_the_parts_add_up_to_the_path_and_none_is_negative(spans):
    path = critical_path(grow(spans))
    times = split(path)
    parts = (times.work, times.queue, times.broker, times.database)
    assert min(parts) >= 0
    assert sum(parts) == pytest.approx((path[-1].end_us - path[0].start_us) / 1000)


@given(sagas())
def test_hops_are_no_more_than_the_depth_and_the_depth_no_more_than_the_spans(spans):
    found = measure(grow(spans))
    assert 0 <= found.hops <= found.depth <= found.spans
    assert found.orphans == 0


@given(st.lists(sagas(), min_size=1, max_size=6))
def test_a_summary_counts_each_trace_in_its_own_mode(traces):
    measured = [measure(grow(spans)) for spans in traces]
    found = summarize(measured)
    assert {mode: each.traces for mode, each in found.items()} == {
        mode: sum(each.mode == mode for each in measured)
        for mode in {each.mode for each in measured}
    }
    for mode, summary in found.items():
        hops = [each.hops for each in measured if each.mode == mode]
        assert min(hops) <= summary.hops <= max(hops)
