"""Courses that a reader can follow, one at a time."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from coordination_operator.analysis import Sample
from coordination_operator.decide import decide
from coordination_operator.phases import Command, Phase
from coordination_operator.plan import SetRoute
from coordination_operator.reconcile import reconcile
from coordination_operator.resources import Drain, OnTimeout, Rollback, Who
from services.kit.message import Mode
from tests.unit.operator.a_world import a_world, reasons, run
from tests.unit.operator.builders import ERRORS, START, a_route, a_spec, an_observation


def test_a_good_switch_goes_up_the_steps_drains_and_is_ready():
    world = a_world()
    assert run(world, 8) is Phase.STABLE
    assert world.shares == [10, 50, 100]
    assert world.status.condition("Ready").status == "True"
    assert world.status.switches[0].outcome == "Promoted"


def test_a_bad_canary_is_rolled_back_at_the_first_measurement_and_says_why():
    world = a_world()
    world.sample = Sample(0.9, 0.01)
    run(world, 4)
    assert world.status.phase is Phase.ROLLED_BACK
    assert world.shares == [10, 0]
    rolled_back = world.status.condition("RolledBack")
    assert rolled_back.reason == "AnalysisFailed"
    assert "0.9 in Choreography, at most 0.1 is allowed" in rolled_back.message


def test_a_step_lasts_until_enough_of_its_sagas_have_ended():
    world = a_world(steps=((10, "1s", 20), (50, "1s")))
    world.ended[Mode.CHOREOGRAPHY] = 19
    run(world, 10)
    assert world.shares == [10]
    assert world.status.message == "19 of 20 sagas have ended in this step"
    world.ended[Mode.CHOREOGRAPHY] = 20
    run(world, 1)
    assert world.shares == [10, 50]


def test_as_many_failures_as_the_limit_are_put_up_with_in_each_step():
    metric = replace(ERRORS, failure_limit=2)
    world = a_world(metrics=(metric,), steps=((10, "20s"), (50, "20s")))
    for sample in (Sample(0.9), Sample(0.9), Sample(0.01)) * 2:
        world.sample = sample
        run(world, 2 if sample.value < 0.1 else 1)
    assert run(world, 6) is Phase.STABLE


def test_one_failure_more_than_the_limit_is_too_many():
    world = a_world(metrics=(replace(ERRORS, failure_limit=2),))
    world.sample = Sample(0.9)
    run(world, 3)
    assert world.status.phase is Phase.PROGRESSING
    run(world, 2)
    assert world.status.condition("RolledBack").reason == "AnalysisFailed"


def test_what_is_only_shown_fails_and_nothing_follows():
    shown = replace(ERRORS, name="shown", dry_run=True)
    world = a_world(metrics=(shown,))
    world.sample = Sample(0.9)
    assert run(world, 8) is Phase.STABLE
    assert "MeasurementFailed" in reasons(world)


def test_a_failure_that_must_not_roll_back_by_itself_is_held():
    world = a_world(rollback=Rollback(automatic=False))
    world.sample = Sample(0.9)
    assert run(world, 4) is Phase.HOLDING
    assert world.status.actions == (Command.PROMOTE, Command.ABORT)
    world.asked = {Command.ABORT}
    assert run(world, 2) is Phase.ROLLED_BACK


@pytest.mark.parametrize(
    ("on_timeout", "phase"),
    [(OnTimeout.HOLD, Phase.HOLDING), (OnTimeout.ROLLBACK, Phase.ROLLING_BACK)],
)
def test_a_drain_that_takes_too_long_does_as_asked(on_timeout, phase):
    world = a_world(drain=Drain(timeout="20s", on_timeout=on_timeout))
    run(world, 5)
    for _ in range(5):
        world.open[Mode.ORCHESTRATION] = 2
        world.wait(seconds=6)
        reconcile(world)
    assert world.status.phase is phase
    assert "DrainTimedOut" in reasons(world)


def a_world_held_for_its_drain(**rollback):
    world = a_world(drain=Drain(timeout="20s"), rollback=Rollback(**rollback))
    run(world, 5)
    drain_slowly(world, rounds=5)
    assert world.status.phase is Phase.HOLDING
    return world


def drain_slowly(world, rounds):
    for _ in range(rounds):
        world.open[Mode.ORCHESTRATION] = 2
        world.wait(seconds=6)
        reconcile(world)


def test_a_drain_that_is_held_waits_or_is_aborted_for_there_is_nothing_left_to_promote():
    world = a_world_held_for_its_drain()
    assert world.status.actions == (Command.ABORT,)
    assert world.status.message.startswith("held, waits for the drain or abort; DrainTimedOut: ")
    world.asked = {Command.PROMOTE}
    drain_slowly(world, rounds=1)
    assert world.status.phase is Phase.HOLDING
    assert reasons(world)[-1] == "Ignored"
    world.asked = {Command.ABORT}
    assert run(world, 2) is Phase.ROLLED_BACK


def test_a_drain_that_is_held_is_judged_and_rolled_back_when_it_hurts():
    world = a_world_held_for_its_drain()
    world.sample = Sample(0.9)
    drain_slowly(world, rounds=1)
    assert run(world, 2) is Phase.ROLLED_BACK
    assert world.share(Mode.ORCHESTRATION) == 100
    assert world.status.condition("RolledBack").reason == "AnalysisFailed"


def test_a_drain_that_is_held_and_must_not_roll_back_ends_in_no_promotion_when_it_hurts():
    world = a_world_held_for_its_drain(automatic=False)
    world.sample = Sample(0.9)
    drain_slowly(world, rounds=2)
    assert world.status.phase is Phase.HOLDING
    assert world.status.condition("AnalysisPassed").status == "False"
    assert run(world, 2) is Phase.HOLDING
    assert world.status.rollout.reason == "AnalysisFailed"
    assert world.share(Mode.CHOREOGRAPHY) == 100


def test_what_is_held_for_a_failure_goes_back_once_it_may_do_so_by_itself():
    world = a_world(rollback=Rollback(automatic=False))
    world.sample = Sample(0.9)
    assert run(world, 4) is Phase.HOLDING
    world.spec = a_spec()
    assert run(world, 2) is Phase.ROLLED_BACK


def test_asking_for_the_old_mode_again_in_the_middle_goes_straight_back():
    world = a_world()
    run(world, 2)
    world.spec = a_spec(mode=Who.ORCHESTRATION)
    assert run(world, 3) is Phase.STABLE
    assert world.shares[-1] == 0
    assert world.status.switches[0].reason == "SpecChanged"


def test_other_steps_in_the_middle_are_gone_up_from_where_it_is():
    world = a_world()
    run(world, 1)
    assert world.shares == [10]
    world.spec = a_spec(steps=((5, "10s"), (30, "10s"), (80, "10s")))
    run(world, 10)
    assert world.shares == [10, 5, 30, 80, 100]


def test_after_a_rollback_nothing_is_tried_again_until_somebody_says_so():
    world = a_world()
    world.sample = Sample(0.9)
    run(world, 4)
    world.sample = Sample(0.01)
    assert run(world, 20) is Phase.ROLLED_BACK
    world.asked = {Command.RESTART}
    assert run(world, 9) is Phase.STABLE


def test_suspended_means_frozen_but_for_abort():
    world = a_world()
    run(world, 1)
    world.spec = a_spec(suspend=True)
    run(world, 20)
    assert world.shares == [10]
    world.asked = {Command.PROMOTE}
    run(world)
    assert world.shares == [10]
    assert "Ignored" in reasons(world)
    world.asked = {Command.ABORT}
    run(world, 2)
    assert world.shares == [10, 0]


def test_an_order_service_out_of_sight_is_a_condition_and_nothing_is_done():
    world = a_world()
    run(world, 1)
    world.reachable = False
    run(world, 3)
    ready = world.status.condition("Ready")
    assert (ready.status, ready.reason) == ("Unknown", "OrderServiceUnavailable")
    assert world.shares == [10]
    world.reachable = True
    assert run(world, 8) is Phase.STABLE


def test_somebody_elses_route_is_put_right_at_rest():
    world = a_world()
    world.spec = a_spec(mode=Who.ORCHESTRATION)
    world.set_route(Mode.CHOREOGRAPHY, 40)
    run(world)
    assert world.shares == [40, 0]
    assert "RouteCorrected" in reasons(world)


def test_a_rollout_found_without_a_memory_is_gone_on_with():
    plan = decide(a_spec(), an_observation(route=a_route(Mode.CHOREOGRAPHY, 10)), START)
    assert plan.status.phase is Phase.PROGRESSING
    assert plan.status.active_mode is Who.ORCHESTRATION


def test_the_route_is_wished_for_with_the_epoch_that_was_seen():
    world = a_world()
    plan = decide(world.spec, world.look()[1], world.now)
    assert plan.wishes == ()
    world.save(plan.status)
    plan = decide(world.spec, world.look()[1], world.now)
    assert plan.wishes == (SetRoute(Mode.CHOREOGRAPHY, 10, 1),)


def test_a_way_back_is_gone_as_fast_when_everything_else_is_frozen():
    world = a_world()
    run(world, 1)
    world.spec = a_spec(suspend=True)
    world.asked = {Command.ABORT}
    world.open[Mode.CHOREOGRAPHY] = 1
    assert reconcile(world) == timedelta(seconds=1)


def test_a_clock_that_is_set_back_costs_the_time_of_a_step_and_no_more():
    world = a_world()
    run(world, 1)
    world.now -= timedelta(hours=1)
    assert run(world, 9) is Phase.STABLE
    assert world.shares == [10, 50, 100]


def test_what_was_measured_in_a_time_to_come_is_not_believed():
    world = a_world(steps=((10, "0s"), (50, "0s")))
    run(world, 1)
    world.now -= timedelta(hours=1)
    world.sample = Sample(None)
    run(world, 3)
    assert world.shares == [10]
    assert "no data" in world.status.message


def test_a_step_that_was_not_measured_yet_has_not_passed_its_analysis():
    world = a_world()
    while world.share(Mode.CHOREOGRAPHY) < 50:
        assert run(world, 1, seconds=1) is Phase.PROGRESSING
    assert run(world, 1, seconds=1) is Phase.PROGRESSING
    passed = world.status.condition("AnalysisPassed")
    assert (passed.status, passed.message) == ("Unknown", "nothing was measured yet")


def test_once_rolled_back_the_analysis_still_says_why():
    world = a_world()
    world.sample = Sample(0.9)
    assert run(world, 8) is Phase.ROLLED_BACK
    passed = world.status.condition("AnalysisPassed")
    assert (passed.status, passed.reason) == ("False", "Failed")
