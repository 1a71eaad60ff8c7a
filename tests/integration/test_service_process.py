"""A real service process through what befalls processes: crashes, stops, rebalances, outages.

Inventory stands for all: they differ in their handlers only.
"""

import os
import signal
import sys
from collections import Counter
from contextlib import ExitStack

import pytest

from services.kit.faults import Catalogue, Fault, Rule
from services.kit.message import Mode
from services.kit.topics import topics_in
from services.messages import StockReserved
from tests.integration.broker import a_tape, administrator, forget_everything, members
from tests.integration.databases import rows, value
from tests.integration.service_process import paused
from tests.integration.traffic import Traffic, to_reserve
from tests.integration.waiting import eventually

MOVES = "SELECT count(*) FROM inventory.moves"
LEFT = "SELECT count(*) FROM inventory.outbox"
HANDLED = "SELECT count(*) FROM inventory.inbox"
STOP_SECONDS = 20.0  # of the half minute that a pod has, with room for a slow machine
AMPLE = 6_000  # more than is sent until a test has seen enough
EVENTS = topics_in(Mode, [StockReserved])
WITH_A_FAILING_THREAD = """
import os, sys
from dataclasses import replace
from services.kit.bootstrap import run
from services.kit.settings import load_settings
from services.notification.service import SERVICE

class Failing:
    def run(self): raise RuntimeError("no sheet music")
    def stop(self): ...

def build(deps):
    return replace(SERVICE.build(deps), background=[Failing()])

sys.exit(run(replace(SERVICE, build=build), load_settings(os.environ)))
"""


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
    """Each order's stock is reserved once, and said so: a process that dies between publishing and
    noting so has it said again, which the inbox of whoever listens is for."""
    eventually(lambda: value(database_url, MOVES) >= len(orders), "all is reserved")
    eventually(lambda: value(database_url, LEFT) == 0, "the outbox is empty")
    moved = rows(database_url, "SELECT order_id::text FROM inventory.moves")
    assert Counter(order for (order,) in moved) == Counter(orders)
    assert set(answers()) == {f"{order}:StockReserved:1" for order in orders}


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


def test_a_stop_finishes_what_is_held_commits_and_leaves_the_group(
    inventory, bootstrap, database_url, answers
):
    with Traffic(bootstrap, to_reserve(Mode.ORCHESTRATION, 300), rate=150) as traffic:
        eventually(lambda: value(database_url, HANDLED) > 50, "it is at work")
        assert inventory.stop() < STOP_SECONDS
    assert inventory.exit_code == 0
    handled = value(database_url, HANDLED)
    assert value(database_url, LEFT) == 0
    assert len(answers()) == handled == value(database_url, MOVES)
    with administrator(bootstrap) as admin:
        assert members(admin, "inventory") == []
        assert committed(admin, "inventory", "inventory.commands") == handled
    inventory.start()
    expect_one_effect_each(database_url, traffic.orders, answers)
    assert inventory.metric("bandstand_duplicates_dropped_total") == 0
    assert len(answers()) == len(traffic.orders)


def test_a_stop_is_quick_also_while_database_and_broker_are_away(inventory, infra):
    with paused(infra.pid("kafka"), infra.pid("postgres")):
        assert inventory.stop() < STOP_SECONDS


def test_a_background_thread_that_fails_ends_the_process(make_service):
    """A supervisor can start it anew; ready and answering nobody, it would stay so for ever."""
    notification = make_service("notification")
    notification.launch([sys.executable, "-c", WITH_A_FAILING_THREAD])
    assert notification.await_its_own_end() == 1


def test_a_replica_may_join_and_leave_while_there_is_work(
    inventory, make_service, bootstrap, database_url, answers
):
    second = make_service("inventory", replica=1)
    with Traffic(bootstrap, to_reserve(Mode.CHOREOGRAPHY, AMPLE), rate=100) as traffic:
        second.start()
        eventually(lambda: consumed(second) > 20, "the second replica works")
        second.stop()
        before = consumed(inventory)
        eventually(lambda: consumed(inventory) > before, "the first replica goes on")
        traffic.stop()
    expect_one_effect_each(database_url, traffic.orders, answers)


def test_a_replica_may_be_killed_while_there_is_work(
    inventory, make_service, bootstrap, database_url, answers
):
    """What it had is read again by the other one, once the group has missed it."""
    second = make_service("inventory", replica=1).start()
    with Traffic(bootstrap, to_reserve(Mode.ORCHESTRATION, AMPLE), rate=150) as traffic:
        eventually(lambda: consumed(second) > 20, "the second replica works")
        second.kill()
        traffic.stop()
    expect_one_effect_each(database_url, traffic.orders, answers)


@pytest.mark.parametrize("server", ["kafka", "postgres"])
def test_a_restart_of_a_server_under_load_costs_time_only(
    inventory, bootstrap, database_url, answers, infra, server
):
    with Traffic(bootstrap, to_reserve(Mode.CHOREOGRAPHY, 400), rate=80) as traffic:
        eventually(lambda: value(database_url, MOVES) > 50, "it is at work")
        os.kill(infra.pid(server), signal.SIGKILL)
    expect_one_effect_each(database_url, traffic.orders, answers)
    assert inventory.exit_code is None


def test_a_broker_that_is_away_is_named_and_the_service_stays_ready(inventory, infra):
    with paused(infra.pid("kafka")):
        answer = eventually(lambda: in_want(inventory), "somebody does not answer")
        assert (answer.status_code, answer.json()) == (
            200,
            {"database": "ok", "broker": "does not answer"},
        )
    eventually(lambda: not in_want(inventory), "all answer again")


def in_want(service):
    """The answer, if not everybody answers the service."""
    answer = service.http.get("/readyz", timeout=10)
    return answer if set(answer.json().values()) != {"ok"} else None


def consumed(service):
    return service.metric("bandstand_messages_consumed_total")


def committed(admin, group, topic):
    found = admin.list_group_offsets([group])[group]
    return sum(each.offset for place, each in found.items() if place.topic == topic)
