"""When a deadline strikes, and what it does not count: courses that a reader can follow."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from coordination_operator.analysis import Sample
from coordination_operator.phases import Command, Phase
from coordination_operator.plan import Deployed
from coordination_operator.reconcile import reconcile
from coordination_operator.resources import Drain, Rollback, Who
from services.kit.message import Mode
from tests.unit.operator.a_world import GOOD, World, a_world, run
from tests.unit.operator.builders import ERRORS, a_spec

AWAY = Sample(error="away")
NO_DATA = Sample(None)
LATE = "ProgressDeadlineExceeded"


def why(world):
    return world.status.condition("RolledBack").reason


def test_no_data_waits_and_is_rolled_back_by_the_deadline():
    world = a_world()
    world.sample = Sample(None)
    assert run(world, 10) is Phase.PROGRESSING
    assert "no data" in world.status.message
    run(world, 14)
    assert world.status.condition("RolledBack").reason == "ProgressDeadlineExceeded"


def test_a_prometheus_that_does_not_answer_changes_nothing_however_long():
    world = a_world()
    run(world, 1)
    world.sample = Sample(error="away")
    assert run(world, 60) is Phase.PROGRESSING
    assert world.shares == [10]
    assert world.status.condition("AnalysisPassed").reason == "PrometheusUnavailable"
    world.sample = Sample(0.01)
    assert run(world, 8) is Phase.STABLE


@pytest.mark.parametrize("first", [NO_DATA, Sample(0.5)])
def test_a_prometheus_that_was_away_for_long_may_begin_with_no_data_or_a_failure(first):
    world = a_world(metrics=(replace(ERRORS, failure_limit=3),))
    run(world, 1)
    world.sample = AWAY
    run(world, 60)
    world.sample = first
    assert run(world, 2) is Phase.PROGRESSING
    world.sample = GOOD
    assert run(world, 8) is Phase.STABLE


def test_a_prometheus_that_comes_and_goes_puts_a_deadline_off_by_the_time_it_was_away():
    world = a_world()
    run(world, 1)
    for looks in range(1, 39):
        world.sample = AWAY if looks % 2 else NO_DATA
        assert run(world, 1) is Phase.PROGRESSING
    for looks in range(1, 9):
        world.sample = AWAY if looks % 2 else NO_DATA
        run(world, 1)
    assert why(world) == LATE


def test_a_prometheus_and_an_order_service_that_are_away_in_turn_put_a_deadline_off_by_both():
    world = a_world()
    run(world, 1)
    world.sample = AWAY
    run(world, 30)
    world.sample = NO_DATA
    run(world, 10)
    world.reachable = False
    run(world, 30)
    world.reachable = True
    assert run(world, 6) is Phase.PROGRESSING
    run(world, 9)
    assert why(world) == LATE


def test_a_drain_takes_too_long_however_long_prometheus_is_away():
    world = a_world(drain=Drain(timeout="20s"))
    run(world, 5)
    world.sample = AWAY
    for _ in range(5):
        world.open[Mode.ORCHESTRATION] = 2
        world.wait(seconds=6)
        reconcile(world)
    assert world.status.phase is Phase.HOLDING


def test_nobody_is_blamed_for_the_time_without_an_operator():
    world = a_world()
    run(world, 3)
    world.wait(minutes=10)
    world.sample = NO_DATA
    assert run(world, 2) is Phase.PROGRESSING


def test_what_was_frozen_is_not_late():
    world = a_world()
    run(world, 1)
    world.spec = a_spec(suspend=True)
    run(world, 50)
    world.spec = a_spec()
    assert run(world, 1) is Phase.PROGRESSING


def test_a_deadline_stands_still_while_the_order_service_is_out_of_sight():
    world = a_world()
    world.sample = Sample(None)
    run(world, 10)
    world.reachable = False
    run(world, 60)
    world.reachable = True
    assert run(world, 8) is Phase.PROGRESSING
    run(world, 6)
    assert world.status.condition("RolledBack").reason == "ProgressDeadlineExceeded"


def test_an_order_service_that_comes_and_goes_puts_a_deadline_off_by_the_time_it_was_away():
    world = a_world()
    world.sample = Sample(None)
    run(world, 1)
    for looks in range(1, 30):
        world.reachable = looks % 10 != 0
        run(world, 1)
    assert world.status.phase is Phase.ROLLED_BACK


def test_a_new_rollout_after_a_rollback_waits_for_the_cooldown():
    world = a_world(rollback=Rollback(cooldown="1m"))
    world.sample = Sample(0.9)
    run(world, 4)
    world.sample = Sample(0.01)
    world.spec = a_spec(mode=Who.ORCHESTRATION)
    run(world)
    world.spec = a_spec()
    assert run(world) is Phase.PREPARING
    assert "cooling down" in world.status.message
    assert run(world, 10) is not Phase.PREPARING


def test_a_cooldown_does_not_wait_for_a_clock_that_was_set_back():
    world = a_world(rollback=Rollback(cooldown="1m"))
    world.sample = Sample(0.9)
    run(world, 4)
    world.sample = Sample(0.01)
    world.now -= timedelta(hours=1)
    world.spec = a_spec(mode=Who.ORCHESTRATION)
    run(world)
    world.spec = a_spec()
    assert run(world, 20) is Phase.STABLE


def test_who_has_cooled_down_gets_as_long_as_anybody():
    """A cooldown may be longer than the deadline."""
    long = Rollback(cooldown="10m")
    world = World(a_spec(), Mode.CHOREOGRAPHY)
    run(world)
    world.spec = a_spec(Who.ORCHESTRATION, rollback=long)
    run(world, 2)
    world.asked = {Command.ABORT}
    assert run(world, 3) is Phase.ROLLED_BACK
    for mode in Who.CHOREOGRAPHY, Who.ORCHESTRATION:
        world.spec = a_spec(mode, rollback=long)
        run(world, 2)
    cooled_down = world.status.switches[0].ended_at + timedelta(minutes=10)
    while world.now < cooled_down + timedelta(seconds=100):
        world.orchestrator = Deployed(wanted=1, ready=0)
        world.wait(seconds=6)
        reconcile(world)
        assert world.status.phase is Phase.PREPARING
    for _ in range(6):
        world.orchestrator = Deployed(wanted=1, ready=0)
        world.wait(seconds=6)
        reconcile(world)
    assert why(world) == LATE
