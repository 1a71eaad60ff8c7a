"""What the lab reads from the services' tables, against a small world of four orders."""

from uuid import UUID

import msgspec
import pytest

from lab.coordination.drain import LEFT, Left
from lab.coordination.trial import JUDGED
from lab.database import Database, query
from lab.demo.outcome import OPEN_SAGAS, STUCK, SWITCHES
from lab.demo.play import CURVE, STEPS
from lab.load.door import Accepted
from lab.load.ends import ENDED
from lab.load.loops import Ledger, Placed
from lab.load.mix import mix
from lab.load.summary import summarize
from lab.measure.meter import TRANSACTIONS
from lab.monitor.knowing import LAG, timeline
from lab.report.figures import OpenRow, StepRow
from tests.integration.world import CONFIRMED, REJECTED, a_world

EVERYONE = [str(each) for each in (*CONFIRMED.values(), *REJECTED.values())]


class Row(msgspec.Struct):
    """Whatever a query returns, for queries whose shape is private to its reader."""

    id: str | None = None
    mode: str | None = None
    orders: int | None = None
    latency_ms: list[float] | None = None
    stuck: int | None = None
    transactions: int | None = None
    epoch: int | None = None
    weight: int | None = None
    seconds: float | None = None
    last_closed_after: float | None = None
    error_share: float | None = None
    latency_p99: float | None = None
    oldest_saga_age: float | None = None
    ms: float | None = None


@pytest.fixture
def world(database_url):
    with a_world(database_url) as world:
        yield world


@pytest.fixture
def database(database_url):
    database = Database(database_url)
    yield database
    database.close()


def a_ledger(world, ids):
    ledger = Ledger(mix(len(ids), seed=1))
    for number, order_id in enumerate(ids):
        ledger.placed.append(Placed(number, Accepted(order_id, "choreography", 2), 5.0))
        sent = ledger.key(number), order_id
        world.do("UPDATE orders.orders SET idempotency_key = %s WHERE id = %s", *sent)
    return ledger


def test_a_load_is_summed_up_by_mode_and_reason(world, database):
    summary = summarize(a_ledger(world, EVERYONE), database)
    assert summary.sound
    assert set(summary.modes) == {"orchestration", "choreography"}
    for mode in summary.modes.values():
        assert (mode.orders, mode.confirmed, mode.rejected) == (2, 1, 1)
        assert mode.reasons == {"not_serviceable": 1}


def test_an_accepted_order_that_is_not_there_is_lost(world, database):
    lost = "00000000-0000-0000-0000-000000000099"
    assert summarize(a_ledger(world, [*EVERYONE, lost]), database).lost == 1


def test_an_order_that_a_repeated_request_made_without_its_key_is_duplicated(world, database):
    ledger = a_ledger(world, EVERYONE)
    world.do("UPDATE orders.orders SET idempotency_key = NULL WHERE id = %s", EVERYONE[0])
    summary = summarize(ledger, database)
    assert (summary.lost, summary.duplicated, summary.sound) == (0, 1, False)


def test_only_ended_orders_are_said_to_have_ended(world, database):
    world.do("UPDATE orders.orders SET ended_at = NULL WHERE id = %s", EVERYONE[0])
    ended = {row.id for row in database.rows(ENDED, Row, ids=EVERYONE)}
    assert ended == set(EVERYONE[1:])


def test_what_a_mode_has_left_is_told_apart_from_the_other(world, database):
    assert database.row(LEFT, Left, mode="choreography").nothing
    band = CONFIRMED["choreography"]
    world.do("UPDATE orders.orders SET closed_at = NULL WHERE id = %s", band)
    world.do(
        "INSERT INTO payment.outbox (topic, key, message_id, mode, headers, value)"
        " VALUES ('payments.events', '', '', 'choreography', '', '')"
    )
    world.do(
        "INSERT INTO shipping.parked (message_id, message, tries, why, due_at)"
        " VALUES (%s || ':ArrangeShipment:1', '', 1, '', now())",
        str(band),
    )
    assert database.row(LEFT, Left, mode="choreography") == Left(1, 1, 1)
    assert database.row(LEFT, Left, mode="orchestration").nothing


HOLD = """
INSERT INTO orders.holds (order_id, rule, step, version, held_by, held_at, until, answered_at)
SELECT id, 'a-look', 'ArrangeShipment', 1, 'shipping', placed_at + interval '1 s',
    now() + interval '1 hour', ended_at - interval '1 s'
FROM orders.orders WHERE id = ANY(%s)
"""
OPEN = "UPDATE orders.orders SET ended_at = NULL, closed_at = NULL WHERE id = %s"
PLACED = "UPDATE orders.orders SET placed_at = now() - interval '10 minutes' WHERE id = %s"


def judged(database, mode):
    values = {"mode": mode, "window": 60.0, "answers": ["not_serviceable"], "first": UUID(int=0)}
    return database.row(JUDGED, Row, **values)


def test_the_time_for_which_rules_hold_orders_is_not_held_against_their_mode(world, database):
    held = [CONFIRMED["choreography"], REJECTED["choreography"]]
    assert judged(database, "choreography").latency_p99 == pytest.approx(1800, abs=1)
    world.do(HOLD, held)
    assert judged(database, "choreography").latency_p99 == pytest.approx(2)
    assert judged(database, "orchestration").latency_p99 == pytest.approx(5400, abs=1)


def test_an_order_that_a_rule_holds_is_not_old_to_the_judge_and_hides_no_other(world, database):
    held, other = CONFIRMED["choreography"], REJECTED["choreography"]
    world.do(OPEN, held)
    assert judged(database, "choreography").oldest_saga_age >= 1800
    world.do(HOLD, [held])
    assert judged(database, "choreography").oldest_saga_age == 0
    world.do(OPEN, other)
    world.do(PLACED, other)
    assert 600 <= judged(database, "choreography").oldest_saga_age < 1800


def test_steps_are_timed_from_the_placing_of_confirmed_orders(world, database):
    for order_id in EVERYONE:
        world.do(
            "INSERT INTO orders.timeline (order_id, message_id, type, source, mode, epoch, at)"
            " SELECT id, '', 'StockReserved', 'inventory', mode, epoch,"
            " placed_at + interval '12 ms' FROM orders.orders WHERE id = %s",
            order_id,
        )
    rows = database.rows(STEPS, StepRow, ids=EVERYONE)
    reserved = [row for row in rows if row.step == "StockReserved"]
    assert [(row.orders, round(row.p50)) for row in reserved] == [(1, 12), (1, 12)]
    assert sum(row.step == "OrderConfirmed" for row in rows) == 2


def test_the_latency_curve_has_a_point_for_each_percent(world, database):
    rows = database.rows(CURVE, Row, ids=EVERYONE)
    assert [(row.orders, len(row.latency_ms)) for row in rows] == [(2, 99), (2, 99)]


def test_open_sagas_and_switches_are_told_on_one_clock(world, database):
    switches = database.rows(SWITCHES, Row, ids=EVERYONE)
    assert [(each.epoch, each.mode) for each in switches] == [(2, "choreography")]
    assert switches[0].seconds == pytest.approx(1800, abs=60)
    assert switches[0].last_closed_after == pytest.approx(3600, abs=60)
    rows = database.rows(OPEN_SAGAS, OpenRow, ids=EVERYONE, every=600.0)
    band = [row.open for row in rows if row.mode == "choreography"]
    assert (band[0], band[-1], max(band)) == (0, 2, 2)


def test_an_order_whose_customer_was_not_told_or_whose_saga_is_stuck_is_stuck(world, database):
    assert database.row(STUCK, Row, ids=EVERYONE).stuck == 0
    orchestra, band = CONFIRMED["orchestration"], CONFIRMED["choreography"]
    world.do("UPDATE orders.orders SET closed_at = NULL WHERE id = %s", band)
    world.do("UPDATE orchestrator.sagas SET status = 'stuck' WHERE order_id = %s", orchestra)
    assert database.row(STUCK, Row, ids=EVERYONE).stuck == 2


def test_the_lab_counts_its_own_looks_and_cannot_write(world, database):
    before = database.looks
    assert database.row(TRANSACTIONS, Row).transactions > 0
    assert database.looks == before + 1
    with pytest.raises(Exception, match="read-only"):
        database.rows(b"DELETE FROM orders.orders RETURNING id::text", Row)


def test_every_query_has_its_file():
    with pytest.raises(FileNotFoundError):
        query(__file__, "no_such_query")


def test_an_order_whose_end_was_told_again_came_to_an_end_once(world, database):
    band = CONFIRMED["choreography"]
    world.do("UPDATE orders.orders SET closed_at = placed_at + interval '3 s' WHERE id = %s", band)
    for attempt in (1, 2):
        world.do(
            "INSERT INTO orders.timeline (order_id, message_id, type, source, mode, epoch, at)"
            " SELECT id, '', 'CustomerNotified', 'notification', mode, epoch,"
            " placed_at + interval '1 s' * %s FROM orders.orders WHERE id = %s",
            attempt,
            band,
        )
    late = LAG.replace(b"{shown}", timeline().shown.encode())
    assert [row.ms for row in database.rows(late, Row, ids=EVERYONE)] == [2_000]
