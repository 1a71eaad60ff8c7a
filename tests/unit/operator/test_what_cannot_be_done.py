"""A route that is not taken, and an orchestrator that cannot be scaled: said, and not for ever."""

from contextlib import suppress

import pytest

from coordination_operator.analysis import Sample
from coordination_operator.errors import Unavailable
from coordination_operator.phases import Command, Phase
from coordination_operator.plan import Deployed
from coordination_operator.reconcile import once, reconcile
from coordination_operator.resources import Drain, Orchestrator, Who
from services.kit.message import Mode
from tests.unit.operator.a_world import World, a_world, reasons, run
from tests.unit.operator.builders import ERRORS, a_spec

WHY = "RouteNotChanged: answers 403: another token is needed"


def a_refusing_world(**spec):
    world = a_world(**spec)
    world.refuses = True
    return world


def condition(world, kind):
    found = world.status.condition(kind)
    return found.status, found.reason, found.message


def test_a_route_that_is_refused_is_a_condition_until_it_is_taken():
    world = a_refusing_world()
    run(world, 2)
    assert condition(world, "Progressing") == ("False", "RouteNotChanged", WHY)
    assert condition(world, "Ready") == ("False", "RouteNotChanged", WHY)
    assert world.status.message == WHY
    run(world, 3)
    assert reasons(world).count("RouteNotChanged") == 1
    world.refuses = False
    assert run(world, 1) is Phase.PROGRESSING
    assert world.status.undone is None
    assert condition(world, "Progressing")[0] == "True"


@pytest.mark.parametrize("metrics", [(), (ERRORS,)])
def test_a_rollout_that_cannot_begin_is_rolled_back_by_the_deadline_and_says_why(metrics):
    world = a_refusing_world(metrics=metrics)
    assert run(world, 18) is Phase.PROGRESSING
    assert run(world, 6) is Phase.ROLLED_BACK
    assert condition(world, "RolledBack") == ("True", "ProgressDeadlineExceeded", WHY)


def test_a_step_that_cannot_be_taken_is_judged_meanwhile():
    world = a_world()
    run(world, 1)
    world.refuses = True
    run(world, 4)
    assert world.status.message == WHY
    world.sample = Sample(0.9)
    run(world, 2)
    assert world.status.rollout.reason == "AnalysisFailed"


def test_a_step_that_cannot_be_taken_is_late_though_it_has_passed():
    world = a_world()
    run(world, 1)
    world.refuses = True
    run(world, 24)
    assert world.status.phase is Phase.ROLLING_BACK
    assert world.status.rollout.message == WHY
    world.refuses = False
    assert run(world, 2) is Phase.ROLLED_BACK


def test_a_step_that_has_passed_is_not_late_however_long_nobody_looked():
    world = a_world(metrics=())
    run(world, 1)
    world.wait(hours=1)
    assert run(world, 8) is Phase.STABLE


def test_the_last_step_that_cannot_be_taken_says_why_the_drain_has_not_ended():
    world = a_world(drain=Drain(timeout="20s"))
    while world.status.phase is not Phase.DRAINING:
        world.refuses = world.share(Mode.CHOREOGRAPHY) == 50
        run(world, 1)
    assert run(world, 5) is Phase.HOLDING
    assert WHY in world.status.message


def test_an_orchestrator_that_cannot_be_scaled_is_a_condition_and_no_end_of_being_ready():
    idle = Orchestrator(scale_to_zero_when_idle=True)
    world = World(a_spec(orchestrator=idle), Mode.CHOREOGRAPHY, forbids=True)
    for _ in range(2):
        with pytest.raises(Unavailable):
            reconcile(world)
    said = "OrchestratorNotScaled: the API server: forbidden"
    assert world.status.message == said
    assert condition(world, "Ready") == ("True", "Stable", f"{Who.CHOREOGRAPHY} has all new sagas")


def test_what_was_refused_once_is_done_though_measuring_takes_as_long_as_its_interval():
    world = a_refusing_world()
    world.slow = 6
    run(world, 1)
    world.refuses = False
    run(world, 1)
    assert world.shares == [10]
    world.refuses = True
    run(world, 4)
    assert world.status.message == WHY
    world.refuses = False
    assert run(world, 8) is Phase.STABLE


@pytest.mark.parametrize("mode", Mode)
def test_a_way_back_waits_for_no_orchestrator_that_cannot_be_scaled(mode):
    """Neither when it takes new sagas from it nor when it gives them back."""
    world = World(a_spec(Who.of(mode)), mode)
    run(world)
    world.spec = a_spec(Who.of(mode.other))
    run(world, 1)
    assert world.share(mode.other) == 10
    world.orchestrator, world.forbids = Deployed(wanted=0, ready=0), True
    world.asked = {Command.ABORT}
    for _ in range(3):
        world.wait(seconds=6)
        with suppress(Unavailable):
            reconcile(world)
    assert world.share(mode) == 100
    assert reasons(world).count("OrchestratorNotScaled") == 1


def test_a_way_back_fetches_the_orchestrator_before_it_gives_sagas_back_to_it():
    world = a_world()
    run(world, 1)
    world.orchestrator = Deployed(wanted=0, ready=0)
    world.asked = {Command.ABORT}
    once(world)
    once(world)
    assert (world.orchestrator.wanted, world.shares) == (1, [10])
    once(world)
    assert world.shares == [10, 0]
