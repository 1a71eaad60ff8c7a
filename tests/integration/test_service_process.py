"""A real service process that kills itself at its commit.

Inventory stands for all: they differ in their handlers only.
"""

import signal
from collections import Counter
from contextlib import ExitStack

import pytest

from services.kit.faults import Catalogue, Fault, Rule
from services.kit.message import Mode
from services.kit.topics import topics_in
from services.messages import StockReserved
from tests.integration.broker import a_tape, forget_everything
from tests.integration.databases import rows, value
from tests.integration.traffic import Traffic, to_reserve
from tests.integration.waiting import eventually

MOVES = "SELECT count(*) FROM inventory.moves"
LEFT = "SELECT count(*) FROM inventory.outbox"
HANDLED = "SELECT count(*) FROM inventory.inbox"
STOP_SECONDS = 10.0
EVENTS = topics_in(Mode, [StockReserved])


@pytest.fixture(autouse=True)
def _empty_topics(bootstrap):
    """Services name their topics the same in every test."""
    forget_everything(bootstrap)


@pytest.fixture
def inventory(make_service):
    return make_service("inventory").start()


@pytest.fixture
def answers(bootstrap, inventory):
    """The ids of everything that inventory has said, in both modes."""
    with ExitStack() as tapes:
        told = [tapes.enter_context(a_tape(bootstrap, topic)) for topic in EVENTS]
        yield lambda: [message_id for tape in told for message_id in tape.ids()]


def expect_one_effect_each(database_url, orders, answers):
    """Each order's stock is reserved once, and said so once."""
    eventually(lambda: value(database_url, MOVES) >= len(orders), "all is reserved")
    eventually(lambda: value(database_url, LEFT) == 0, "the outbox is empty")
    moved = rows(database_url, "SELECT order_id::text FROM inventory.moves")
    assert Counter(order for (order,) in moved) == Counter(orders)
    assert Counter(answers()) == Counter(f"{order}:StockReserved:1" for order in orders)


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("fault", [Fault.CRASH_BEFORE_COMMIT, Fault.CRASH_AFTER_COMMIT])
def test_a_crash_at_the_commit_has_every_effect_once(
    inventory, bootstrap, database_url, answers, fault, mode
):
    inventory.put_faults(Catalogue(rules=(Rule(fault, 100),)))
    with Traffic(bootstrap, to_reserve(mode, 50)) as traffic:
        assert inventory.await_its_own_end() == -signal.SIGKILL
    assert answers() == []
    assert (value(database_url, MOVES) > 0) is (fault is Fault.CRASH_AFTER_COMMIT)
    inventory.find_at_start(Catalogue())
    inventory.start()
    expect_one_effect_each(database_url, traffic.orders, answers)
