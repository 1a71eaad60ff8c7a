"""A metric that is edited in a rollout: what another question had as its answer says nothing."""

import pytest
from msgspec.structs import replace

from coordination_operator.analysis import Sample
from coordination_operator.phases import Phase
from coordination_operator.reconcile import once
from coordination_operator.resources import Range, Rollback, Who
from services.kit.message import Mode
from tests.unit.operator.a_world import Killed, World, a_world, run
from tests.unit.operator.builders import ERRORS, a_spec

HARDER = replace(ERRORS, threshold_range=Range(max=0.001))
OTHER = replace(ERRORS, query="others{$mode}")
LOOSER = replace(ERRORS, threshold_range=Range(max=0.9))


def analysis_passed(world):
    return world.status.condition("AnalysisPassed").status


@pytest.mark.parametrize("metric", [HARDER, OTHER])
def test_a_step_waits_until_what_is_asked_now_was_measured(metric):
    world = a_world()
    run(world, 3, seconds=3)
    assert world.status.analysis.metrics[0].passes == 1
    world.spec = a_spec(metrics=(metric,))
    world.wait(minutes=5)
    once(world)
    assert world.share(Mode.CHOREOGRAPHY) == 10
    assert world.status.analysis.at == world.now


def test_what_was_not_measured_yet_is_neither_passed_nor_failed():
    world = a_world()
    run(world, 3, seconds=3)
    assert analysis_passed(world) == "True"
    world.wait(seconds=10)
    world.killed_at = "before measure"
    world.spec = a_spec(metrics=(OTHER,))
    with pytest.raises(Killed):
        once(world)
    assert world.status.message == "errors was not measured yet"
    assert analysis_passed(world) == "Unknown"


def test_what_is_harder_is_failed_by_its_own_measurement():
    world = a_world()
    run(world, 3, seconds=3)
    world.spec = a_spec(metrics=(HARDER,))
    assert run(world, 1, seconds=1) is Phase.ROLLING_BACK
    assert "at most 0.001 is allowed" in world.status.rollout.message


def test_what_is_held_is_not_rolled_back_by_a_bound_that_is_not_asked_for_any_more():
    world = a_world(rollback=Rollback(automatic=False))
    world.sample = Sample(0.5)
    assert run(world, 4) is Phase.HOLDING
    world.spec = a_spec(metrics=(LOOSER,))
    assert run(world, 3) is Phase.HOLDING
    assert analysis_passed(world) == "True"


def test_what_only_follows_from_a_verdict_is_not_measured_anew():
    world = a_world()
    run(world, 3, seconds=3)
    world.spec = a_spec(metrics=(replace(ERRORS, failure_limit=2),))
    run(world, 1, seconds=1)
    assert world.status.analysis.metrics[0].passes == 1


class Forgetful(World):
    """Its definition knows nothing of questions, and so its API server drops them."""

    def save(self, status):
        super().save(without_questions(status))


def without_questions(status):
    if status.analysis is None:
        return status
    pruned = tuple(replace(each, asked="") for each in status.analysis.metrics)
    return replace(status, analysis=replace(status.analysis, metrics=pruned))


def test_where_the_new_definition_was_not_applied_a_rollout_goes_on():
    """Helm leaves definitions as they are."""
    world = Forgetful(a_spec(mode=Who.ORCHESTRATION))
    run(world)
    world.spec = a_spec()
    run(world, 60, seconds=3)
    assert world.status.phase is Phase.STABLE
    assert world.share(Mode.CHOREOGRAPHY) == 100
