"""Figures per order out of what was measured."""

import pytest

from lab.broker import Written
from lab.load.summary import ModeSummary, Summary
from lab.measure.counters import Increase, Series
from lab.measure.meter import Costs
from lab.quantiles import Quantiles
from lab.report.figures import (
    OpenRow,
    StepRow,
    mode_figures,
    spans_per_order,
    stretch,
    timeline,
    whereabouts,
)

ORDERS = 200


def counted(**totals):
    """Totals by name, or by name and the `name` label of a span."""
    increase = Increase()
    increase.sample("order-0", {})
    for name, value in totals.items():
        values = value if isinstance(value, dict) else {"": value}
        for label, total in values.items():
            labels = frozenset({("name", label)} if label else set())
            increase.sample(
                "order-0", {Series("order-0", f"bandstand_{name}_total", labels): total}
            )
    return increase


def some_costs(cpu=None, **totals):
    return Costs(
        written=Written(messages=1600, bytes=800_000, commits=100),
        transactions=900,
        cpu_seconds=cpu or {"order-0": 0.2, "kafka": 0.1, "postgres": 0.1},
        counted=counted(**totals),
        restarts={},
    )


def a_summary():
    share = ModeSummary(ORDERS, 180, 20, {}, Quantiles(ORDERS, 20.0, 40.0, 60.0), 19.9)
    return Summary(ORDERS, ORDERS, 0, 0, Quantiles(ORDERS), {"choreography": share}, 0, 0, 0)


def a_stretch(**changes):
    return stretch("choreography", "a loop", a_summary(), some_costs(**changes), [1.0], [])


def test_costs_are_shared_among_the_orders():
    found = a_stretch(transactions=400)
    assert found.messages_per_order == 8
    assert found.bytes_per_order == 4000
    assert found.offset_commits_per_order == 0.5
    assert found.transactions_per_order == 4.5
    assert found.batches_per_order == 2
    assert found.cpu_ms_per_order == pytest.approx(2.0)
    assert found.cpu_ms_per_order_by_process["order-0"] == 1.0


@pytest.mark.parametrize("elsewhere", ["kafka", "postgres"])
def test_no_total_is_claimed_for_processes_that_run_elsewhere(elsewhere):
    cpu = {"order-0": 0.2, "kafka": 0.1, "postgres": 0.1}
    del cpu[elsewhere]
    assert a_stretch(cpu=cpu).cpu_ms_per_order is None


def test_spans_are_counted_per_traced_order_and_not_at_all_without_one():
    assert spans_per_order(some_costs(spans={"saga order": 20, "send": 160, "process": 140})) == 16
    assert spans_per_order(some_costs()) is None


def test_latency_comes_from_the_steady_load_and_throughput_and_cpu_from_the_burst():
    steady, burst = a_stretch(cpu={"kafka": 1, "postgres": 1}), a_stretch()
    found = mode_figures(steady, burst, whereabouts([]))
    assert found.orders == 2 * ORDERS
    assert found.cpu_ms_per_order == burst.cpu_ms_per_order != steady.cpu_ms_per_order
    assert found.latency_ms == steady.latency_ms


def test_steps_of_the_other_mode_are_left_out_and_too_few_samples_said():
    rows = [
        StepRow("choreography", "StockReserved", 50, 5.0, 9.0, 11.0),
        StepRow("orchestration", "StockReserved", 500, 9.0, 12.0, 15.0),
    ]
    found = stretch("choreography", "a loop", a_summary(), some_costs(), [], rows)
    assert [(each.step, each.ms.p50, each.ms.p99) for each in found.steps] == [
        ("StockReserved", 5.0, None)
    ]


def test_the_timeline_has_both_modes_on_one_axis():
    rows = [
        OpenRow(mode, seconds, n)
        for mode in ("choreography", "orchestration")
        for n, seconds in enumerate((0.0, 0.1, 0.2))
    ]
    found = timeline(rows)
    assert found.seconds == [0.0, 0.1, 0.2]
    assert found.open == {"orchestration": [0, 1, 2], "choreography": [0, 1, 2]}


def test_a_run_without_orders_has_an_empty_timeline():
    assert timeline([]).seconds == []
