"""All new sagas: judged like any step where 100 is listed, and by hand."""

import pytest

from coordination_operator.analysis import Sample
from coordination_operator.phases import Command, Phase
from coordination_operator.reconcile import reconcile
from coordination_operator.resources import Compare, Drain, Metric, NoData, Rollback
from services.kit.message import Mode
from tests.unit.operator.a_world import a_world, run


def test_a_last_step_that_is_listed_waits_for_data_like_any_other():
    world = a_world(steps=((10, "1s"), (100, "1s")))
    run(world, 2)
    world.sample = Sample(None)
    assert run(world, 20) is Phase.DRAINING
    assert "no data" in world.status.message
    world.sample = Sample(0.01)
    assert run(world, 2) is Phase.STABLE


def test_a_last_step_without_data_is_rolled_back_by_the_deadline():
    world = a_world(steps=((10, "1s"), (100, "1s")), drain=Drain(timeout="20s"))
    run(world, 2)
    world.sample = Sample(None)
    run(world, 26)
    assert world.status.phase is Phase.ROLLED_BACK
    assert world.status.condition("RolledBack").reason == "ProgressDeadlineExceeded"


def test_a_last_step_that_is_held_for_its_drain_is_still_judged_before_it_ends():
    world = a_world(steps=((10, "1s"), (100, "1s")), drain=Drain(timeout="10s"))
    run(world, 2)
    world.sample = Sample(None)
    for _ in range(4):
        world.open[Mode.ORCHESTRATION] = 1
        world.wait(seconds=6)
        reconcile(world)
    assert world.status.phase is Phase.HOLDING
    world.work_off()
    assert run(world, 1) is Phase.DRAINING
    world.sample = Sample(0.01)
    assert run(world, 2) is Phase.STABLE


@pytest.mark.parametrize("no_data", NoData)
def test_nobody_is_compared_with_a_mode_that_has_no_sagas_any_more(no_data):
    ratio = Metric(name="r", query="x{$mode}", compare=Compare(), no_data=no_data)
    world = a_world(steps=((10, "1s"), (100, "30s")), metrics=(ratio,))
    run(world, 2)
    world.sample = Sample(0.01, None)
    assert run(world, 8) is Phase.STABLE


def test_promoted_by_hand_is_judged_anew_and_says_so():
    world = a_world(rollback=Rollback(automatic=False), steps=((10, "1s"), (100, "30s")))
    run(world, 2)
    world.sample = Sample(0.9)
    assert run(world, 2) is Phase.HOLDING
    assert world.share(Mode.CHOREOGRAPHY) == 100
    world.sample = Sample(0.01)
    world.asked = {Command.PROMOTE}
    assert run(world, 8) is Phase.STABLE
    (switch,) = world.status.switches
    assert (switch.outcome, switch.reason) == ("Promoted", "Promoted")
