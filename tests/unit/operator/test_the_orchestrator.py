"""There before it is needed, and sent away only when it is not."""

import dataclasses

from coordination_operator.decide import decide
from coordination_operator.orchestrator import Orchestrator as Scaler
from coordination_operator.phases import Command, Phase
from coordination_operator.plan import Deployed, Scale
from coordination_operator.reconcile import reconcile
from coordination_operator.resources import Orchestrator, Rollback, Who
from services.kit.message import Mode
from tests.unit.operator.a_world import World, run
from tests.unit.operator.an_operator import AnOperator
from tests.unit.operator.builders import START, a_route, a_spec, an_observation


def test_the_orchestrator_is_there_before_it_gets_sagas_and_goes_when_it_has_none():
    idle = Orchestrator(scale_to_zero_when_idle=True, replicas=2)
    world = World(a_spec(orchestrator=idle), Mode.CHOREOGRAPHY)
    run(world, 2)
    assert world.orchestrator.wanted == 0
    world.spec = a_spec(mode=Who.ORCHESTRATION, orchestrator=idle)
    reconcile(world)
    assert world.orchestrator == Deployed(wanted=2, ready=0)
    assert world.shares == []
    assert run(world, 9) is Phase.STABLE


def test_nothing_that_is_needed_is_scaled_to_zero():
    idle = Orchestrator(scale_to_zero_when_idle=True)
    spec = a_spec(orchestrator=idle)
    busy = a_route(Mode.CHOREOGRAPHY, 100, open={Mode.ORCHESTRATION: 1, Mode.CHOREOGRAPHY: 0})
    assert decide(spec, an_observation(route=busy), START).wishes == ()
    done = a_route(Mode.CHOREOGRAPHY, 100)
    assert decide(spec, an_observation(route=done), START).wishes == (Scale(0),)
    assert decide(spec, an_observation(route=done, left=None), START).wishes == ()


def test_an_orchestrator_that_is_not_ours_is_there_and_is_never_scaled():
    orchestrator = Scaler(AnOperator().api.client(), name="").look()
    spec = a_spec(orchestrator=Orchestrator(scale_to_zero_when_idle=True))
    seen = an_observation(route=a_route(Mode.CHOREOGRAPHY, 100), orchestrator=orchestrator)
    assert decide(spec, seen, START).wishes == ()
    back = an_observation(route=a_route(Mode.CHOREOGRAPHY, 100), orchestrator=orchestrator)
    begun = decide(a_spec(mode=Who.ORCHESTRATION), back, START)
    assert begun.status.phase is Phase.PREPARING
    back = dataclasses.replace(back, status=begun.status)
    assert decide(a_spec(mode=Who.ORCHESTRATION), back, START).status.phase is Phase.PROGRESSING


def test_nothing_is_promoted_to_an_orchestrator_that_is_not_there():
    world = World(a_spec(rollback=Rollback(automatic=False)), Mode.CHOREOGRAPHY)
    run(world)
    world.spec = a_spec(mode=Who.ORCHESTRATION, rollback=Rollback(automatic=False))
    for _ in range(30):
        world.orchestrator = Deployed(wanted=1, ready=0)
        world.wait(seconds=6)
        reconcile(world)
    assert world.status.phase is Phase.HOLDING
    assert world.status.actions == (Command.ABORT,)
    world.asked = {Command.PROMOTE}
    reconcile(world)
    assert world.shares == []
    assert "the orchestrator is not ready" in world.notes[-1].message


def test_a_step_to_orchestration_waits_while_the_orchestrator_is_away():
    world = World(a_spec(metrics=()), Mode.CHOREOGRAPHY)
    run(world)
    world.spec = a_spec(mode=Who.ORCHESTRATION, metrics=())
    run(world)
    for _ in range(5):
        world.orchestrator = Deployed(wanted=1, ready=0)
        world.wait(seconds=6)
        reconcile(world)
    assert world.share(Mode.ORCHESTRATION) == 10
    assert world.status.message == "the orchestrator is not ready"


def test_an_orchestrator_that_was_sent_away_is_not_fetched_back_by_a_service_out_of_sight():
    spec = a_spec(orchestrator=Orchestrator(scale_to_zero_when_idle=True))
    away = Deployed(wanted=0, ready=0)
    route = a_route(Mode.CHOREOGRAPHY, 100)
    assert (
        decide(spec, an_observation(route=route, left=None, orchestrator=away), START).wishes == ()
    )
