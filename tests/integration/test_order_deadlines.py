"""The order service's own deadline, in PostgreSQL: not before all holds have been heard of."""

from types import SimpleNamespace

import pytest

from services.kit.metrics import Metrics
from services.kit.postgres import PostgresDatabase
from services.kit.tracing import Tracing
from services.order.deadlines import Deadlines
from tests.integration.builders import an_id
from tests.integration.databases import with_schema

LATE = """
INSERT INTO orders (id, customer_id, items, total_cents, currency, card, ship_to, mode, epoch,
    deadline_at, request_hash)
VALUES (%s, 'c-1', '[]', 100, 'EUR', 'tok-visa', '{}', 'choreography', 1,
    now() - make_interval(secs => 10), '')
"""


class Watch:
    """One late order, and who expires it; `heard` is how long ago all holds were known."""

    def __init__(self, url):
        self.database = PostgresDatabase(url, with_schema(url, "order"), "test")
        self.run = self.database.connection().execute
        self.run(LATE, (an_id(),))
        self.heard, self.told = None, []
        holds = SimpleNamespace(until=lambda now: self.heard and now - self.heard)
        metrics = Metrics("order")
        tracing = Tracing("order", "order-0", metrics)
        self.deadlines = Deadlines(self.database, self, tracing, 30.0, metrics, holds)

    def publish(self, rows):
        self.told += [row.record.message_id for row in rows]

    def nudges(self):
        return self.run("SELECT nudges FROM orders").fetchone()[0]


@pytest.fixture
def watch(database_url):
    made = Watch(database_url)
    yield made
    made.database.close()


@pytest.mark.parametrize("heard", [None, 20.0])
def test_no_order_expires_of_which_a_hold_may_be_unread_from_before_its_deadline(watch, heard):
    watch.heard = heard
    watch.deadlines.run()
    assert (watch.nudges(), watch.told) == (0, [])


def test_one_expires_once_all_holds_from_before_its_deadline_are_known(watch):
    """There may be newer ones that nobody has read: those are of other orders, or too late."""
    watch.heard = 5.0
    for _ in range(2):
        watch.deadlines.run()
    assert watch.nudges() == 1
    assert [each.split(":")[1] for each in watch.told] == ["OrderExpired"]
