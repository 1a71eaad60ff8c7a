"""Open orders are those whose customer was not told yet, whatever their status."""

import pytest

from services.kit.message import Mode
from services.kit.pool import make_pool
from services.kit.settings import Settings
from services.order.queries import PAGES, page
from tests.integration.databases import with_schema
from tests.integration.world import CONFIRMED, REJECTED, a_world

MANY = """
INSERT INTO orders.orders (id, customer_id, items, total_cents, currency, card, ship_to, status,
    mode, epoch, closed_at, deadline_at, request_hash)
SELECT gen_random_uuid(), 'c-1', '[]', 100, 'EUR', 'tok-visa', '{}', 'confirmed', 'choreography',
    1, now(), now(), ''
FROM generate_series(1, 5000)
"""
OPEN = "UPDATE orders.orders SET status = %s, closed_at = NULL WHERE id = %s"
BAND, ORCHESTRA = Mode.CHOREOGRAPHY, Mode.ORCHESTRATION


@pytest.fixture
def world(database_url):
    with a_world(database_url) as world:
        yield world


@pytest.fixture
def pool(database_url):
    settings = Settings(database_url=database_url, kafka="")
    with make_pool(settings, with_schema(database_url, "order")) as pool:
        yield pool


def found(pool, **wanted):
    return {order.id for order in page(pool, 50, **wanted).orders}


@pytest.fixture
def left(world):
    """A pending one and one whose customer was not told, of the band; a rejected one likewise, of
    the orchestra."""
    pending, untold, of_the_orchestra = CONFIRMED[BAND], REJECTED[BAND], REJECTED[ORCHESTRA]
    world.do(OPEN, "pending", pending)
    world.do(OPEN, "rejected", untold)
    world.do(OPEN, "rejected", of_the_orchestra)
    return pending, untold, of_the_orchestra


def test_open_orders_are_found_whether_or_not_they_have_ended(left, pool):
    pending, untold, of_the_orchestra = left
    assert found(pool, is_open=True) == set(left)
    assert found(pool, is_open=True, mode=BAND) == {pending, untold}
    assert found(pool, is_open=True, status="pending") == {pending}
    assert found(pool, is_open=True, status="rejected") == {untold, of_the_orchestra}
    assert found(pool, is_open=True, status="confirmed") == set()
    assert found(pool, is_open=False) == {CONFIRMED[ORCHESTRA]}
    assert len(found(pool)) == 4


def test_who_looks_for_open_orders_does_not_go_over_all_that_are_closed(world, left):
    world.do(MANY)
    world.do("ANALYZE orders.orders")
    world.do("SET search_path = orders")
    values = {"status": None, "mode": BAND, "before": None, "limit": 51}
    plan = world.connection.execute(b"EXPLAIN " + PAGES[True], values).fetchall()
    assert "orders_open" in str(plan)
