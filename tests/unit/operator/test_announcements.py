"""Every move is told at least once, whoever is killed when."""

from contextlib import suppress

import pytest

from coordination_operator.analysis import Sample
from coordination_operator.errors import Unavailable
from coordination_operator.phases import Phase
from coordination_operator.reconcile import reconcile
from coordination_operator.resources import Rollback
from services.kit.message import Mode
from tests.unit.operator.a_world import World, a_world, reasons, run, run_killed
from tests.unit.operator.builders import a_spec


@pytest.mark.parametrize(
    "point", ["after save", "before switch", "after switch", "before tell", "after tell"]
)
def test_every_move_is_announced_whenever_operators_are_killed(point):
    world = a_world()
    run_killed(world, 12, point)
    assert world.status.phase is Phase.STABLE
    told = [(note.reason, note.message) for note in world.notes]
    assert list(dict.fromkeys(told)) == [
        ("Started", "from Orchestration to Choreography"),
        ("Prepared", "Choreography can take new sagas"),
        ("WeightAdvanced", "Choreography gets 10 % of new sagas, 0 % before"),
        ("WeightAdvanced", "Choreography gets 50 % of new sagas, 10 % before"),
        ("DrainStarted", "Choreography gets all new sagas"),
        ("WeightAdvanced", "Choreography gets 100 % of new sagas, 50 % before"),
        ("Completed", "Orchestration has drained"),
    ]


def test_a_switch_that_the_order_service_does_not_take_is_announced_all_the_same():
    class Refusing(World):
        def switch(self, wish):
            raise Unavailable("403: a wrong token")

    world = Refusing(a_spec())
    with suppress(Unavailable):
        reconcile(world)
    assert reasons(world) == ["Started", "Prepared"]


def test_what_could_not_be_announced_is_announced_later_and_counted_once():
    world = a_world()
    world.deaf = True
    run(world, 2)
    assert world.notes == []
    assert [note.reason for note in world.status.unannounced][:2] == ["Started", "Prepared"]
    world.deaf = False
    run(world, 1)
    assert reasons(world)[:2] == ["Started", "Prepared"]
    assert world.status.unannounced == ()


def test_somebody_elses_switch_in_a_rollout_is_announced_as_such():
    world = a_world()
    run(world, 1)
    world.set_route(Mode.CHOREOGRAPHY, 37)
    run(world, 1)
    assert world.shares == [10, 37, 10]
    assert [r for r in reasons(world) if r.startswith("Route")] == [
        "RouteChanged",
        "RouteCorrected",
    ]


def test_a_failure_that_is_held_is_not_told_again_and_again():
    world = a_world(rollback=Rollback(automatic=False))
    world.sample = Sample(0.9)
    assert run(world, 20) is Phase.HOLDING
    assert reasons(world).count("MeasurementFailed") == 1
