"""The client's ledger held against what the database knows."""

from lab.load.door import Accepted
from lab.load.loops import Ledger, Placed
from lab.load.mix import mix
from lab.load.summary import OutcomeRow, ReasonRow, compose


def a_ledger(accepted, planned=None):
    ledger = Ledger(mix(planned or accepted, seed=1))
    for number in range(accepted):
        order = Accepted(f"order-{number}", "choreography", 1)
        ledger.placed.append(Placed(number, order, reply_ms=5.0 + number))
    return ledger


def a_row(orders, ended=None, mode="choreography", seconds=10.0):
    return OutcomeRow(
        mode, orders, orders, 0, orders if ended is None else ended, 20, 40, 80, seconds
    )


def test_orders_the_database_does_not_know_are_lost():
    summary = compose(a_ledger(10), [a_row(8)], [], duplicated=0)
    assert (summary.lost, summary.unended, summary.sound) == (2, 0, False)


def test_orders_that_did_not_end_are_counted():
    summary = compose(a_ledger(10), [a_row(10, ended=9)], [], duplicated=0)
    assert (summary.lost, summary.unended, summary.sound) == (0, 1, False)


def test_an_order_that_may_be_there_twice_is_not_sound():
    assert not compose(a_ledger(10), [a_row(10)], [], duplicated=1).sound


def test_figures_are_kept_by_mode_and_withheld_where_too_few():
    rows = [a_row(150, mode="orchestration"), a_row(50)]
    reasons = [ReasonRow("choreography", "out_of_stock", 2)]
    summary = compose(a_ledger(200), rows, reasons, duplicated=0)
    assert summary.sound
    assert summary.modes["orchestration"].latency_ms.p99 == 80
    assert summary.modes["choreography"].latency_ms.p99 is None
    assert summary.modes["choreography"].reasons == {"out_of_stock": 2}
    assert summary.modes["orchestration"].throughput_per_s == 15.0


def test_a_load_that_was_stopped_at_once_has_a_summary():
    summary = compose(a_ledger(0, planned=5), [], [], duplicated=0)
    assert summary.sound
    assert (summary.accepted, summary.modes) == (0, {})
