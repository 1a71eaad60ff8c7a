"""An order that a rule holds is neither old nor slow: it waits for a person, not for us."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from services.kit.committed import Committed, Teller
from services.kit.effects import Effects
from services.kit.message import Mode
from services.kit.metrics import Metrics
from services.kit.postgres import PostgresDatabase
from services.kit.tracing import Tracing
from services.messages import CustomerNotified
from services.order.deadlines import STUCK_NUDGES, count_open
from services.order.store import hear
from tests.integration.builders import an_id
from tests.integration.databases import with_schema
from tests.unit.services.builders import a_message

ORDER = """
INSERT INTO orders (id, customer_id, items, total_cents, currency, card, ship_to, mode, epoch,
    deadline_at, request_hash, placed_at)
VALUES (%s, 'c-1', '[]', 100, 'EUR', 'tok-visa', '{}', %s, 1, now(), '',
    clock_timestamp() - make_interval(secs => %s))
"""
HOLD = """
INSERT INTO holds (order_id, rule, step, version, held_by, held_at, until, answer, answered_at)
SELECT id, %s, 'ArrangeShipment', 1, 'shipping', placed_at + make_interval(secs => %s),
    placed_at + interval '1 hour', CASE WHEN ended.after IS NOT NULL THEN 'approved' END,
    placed_at + make_interval(secs => ended.after)
FROM orders, (VALUES (%s::float8)) AS ended (after) WHERE id = %s
"""
END = """
UPDATE orders SET status = 'confirmed', ended_at = placed_at + make_interval(secs => %s)
WHERE id = %s
"""


class Orders:
    def __init__(self, url):
        self.database = PostgresDatabase(url, with_schema(url, "order"), "test")
        self.run = self.database.connection().execute

    def placed(self, ago, mode=Mode.CHOREOGRAPHY):
        order = an_id()
        self.run(ORDER, (order, mode.value, ago))
        return order

    def held(self, order, since, until=None, rule="a-look"):
        """Seconds after it was placed; without an answer it may be held for an hour."""
        self.run(HOLD, (rule, since, until, order))

    def oldest(self, mode=Mode.CHOREOGRAPHY):
        return self.counted("bandstand_sagas_oldest_age_seconds", mode)

    def stuck(self):
        return self.counted("bandstand_sagas_stuck", Mode.CHOREOGRAPHY)

    def counted(self, name, mode):
        metrics = Metrics("order")
        count_open(self.database, metrics)
        return value(metrics, name, mode=mode.value)

    def slow(self, order, ended):
        """How many of this one ended order take more than two seconds."""
        self.run(END, (ended, order))
        body = CustomerNotified(order_id=order, outcome="confirmed")
        effects, metrics = Effects(), Metrics("order")
        hear(self.database.connection(), [a_message(body)], effects, patience=10.0)
        told = Committed(effects, [], [], [], [])
        Teller("", metrics, Tracing("order", "o", metrics), lambda _: None).tell(told, 0.0, 0.0)
        name = "bandstand_order_duration_seconds"
        return value(metrics, f"{name}_count") - value(metrics, f"{name}_bucket", le="2.0")


def value(metrics, name, **labels):
    (found,) = [
        sample.value
        for family in text_string_to_metric_families(metrics.exposition().decode())
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    ]
    return found


@pytest.fixture
def orders(database_url):
    made = Orders(database_url)
    yield made
    made.database.close()


@pytest.mark.parametrize("mode", Mode)
def test_an_order_that_is_held_does_not_grow_old(orders, mode):
    order = orders.placed(ago=600, mode=mode)
    assert orders.oldest(mode) >= 600
    orders.held(order, since=1)
    assert orders.oldest(mode) == 0


def test_an_order_that_was_let_go_is_as_old_as_that(orders):
    orders.held(orders.placed(ago=600), since=1, until=500)
    assert 100 <= orders.oldest() < 500


def test_one_that_is_held_hides_no_other(orders):
    orders.held(orders.placed(ago=600), since=1)
    orders.placed(ago=300)
    assert 300 <= orders.oldest() < 600


def test_one_that_was_asked_about_too_often_is_not_stuck_while_it_is_held(orders):
    """The hold came late, say: its participant had been away."""
    order = orders.placed(ago=600)
    orders.run("UPDATE orders SET nudges = %s", (STUCK_NUDGES,))
    assert orders.stuck() == 1
    orders.held(order, since=550)
    assert orders.stuck() == 0
    orders.run("UPDATE holds SET until = clock_timestamp()")
    assert orders.stuck() == 1


@pytest.mark.parametrize(
    ("holds", "ended", "slow"),
    [
        ([], 301, 1),
        ([(1, 300)], 300.5, 0),
        ([(1, 300), (2, 299)], 300.5, 0),
        ([(1, 100), (100.5, 300)], 300.5, 0),
        ([(1, 100), (200, 300)], 300.5, 1),
        ([(1, None)], 301, 0),
    ],
    ids=["not held", "held", "by two at once", "one after the other", "work between", "cancelled"],
)
def test_the_time_for_which_an_order_is_held_makes_it_not_slow(orders, holds, ended, slow):
    order = orders.placed(ago=600)
    for number, (since, until) in enumerate(holds):
        orders.held(order, since, until, rule=f"rule-{number}")
    assert orders.slow(order, ended) == slow
