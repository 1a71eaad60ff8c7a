"""Counters keep rising when the processes that keep them begin again."""

from hypothesis import given
from hypothesis import strategies as st

from lab.measure.counters import Increase, Series, parse

EXPOSITION = """\
# HELP bandstand_spans Spans.
# TYPE bandstand_spans counter
bandstand_spans_total{mode="choreography",topic="orders.events"} 7
bandstand_spans_created{mode="choreography",topic="orders.events"} 1.7e9
# TYPE bandstand_outbox_pending gauge
bandstand_outbox_pending 3
# TYPE python_gc counter
python_gc_total 5
# EOF
"""


def a_series(process="order-0", name="bandstand_faults_total", **labels):
    return Series(process, name, frozenset(labels.items()))


def increase_of(*samples):
    increase = Increase()
    for value in samples:
        increase.sample("order-0", {a_series(): value})
    return increase


def test_only_the_counters_that_are_used_are_read():
    labels = {"mode": "choreography", "topic": "orders.events"}
    expected = a_series(name="bandstand_spans_total", **labels)
    assert parse("order-0", EXPOSITION) == {expected: 7.0}


def test_the_first_sample_is_where_counting_begins():
    assert increase_of(40, 42, 45).total("bandstand_faults_total") == 5


def test_after_a_restart_what_the_new_process_shows_counts_in_full():
    assert increase_of(40, 42, 1, 3).total("bandstand_faults_total") == 5


def test_a_series_that_shows_up_later_began_at_nought():
    increase = Increase()
    increase.sample("order-0", {})
    increase.sample("order-0", {a_series(fault="fail"): 4.0})
    assert increase.total("bandstand_faults_total") == 4


def test_totals_are_kept_by_label():
    increase = Increase()
    for base in (0.0, 2.0):
        increase.sample("a", {a_series("a", fault="fail"): base})
        increase.sample("b", {a_series("b", fault="delay"): base * 2})
    assert increase.by("fault", "bandstand_faults_total") == {"fail": 2.0, "delay": 4.0}
    assert increase.total("bandstand_faults_total", fault="delay") == 4.0


incarnations = st.lists(
    st.lists(st.integers(0, 50), min_size=1).map(sorted), min_size=1, max_size=5
)


@given(incarnations)
def test_whatever_restarts_no_total_ever_falls(lives):
    increase, last = Increase(), 0.0
    for life in lives:
        for value in life:
            increase.sample("order-0", {a_series(): float(value)})
            total = increase.total("bandstand_faults_total")
            assert total >= last
            last = total
