"""What the operator tells Prometheus of a switch: its target, weights, steps, verdicts, drain."""

import pytest
from msgspec.structs import replace as changed

from coordination_operator.phases import Phase
from coordination_operator.reconcile import reconcile
from coordination_operator.resources import Who
from coordination_operator.status import Left, Verdict
from coordination_operator.telemetry import Metrics
from services.kit.message import Mode
from tests.unit.operator.a_world import World
from tests.unit.operator.builders import a_spec, an_observation

NEW, OLD = Mode.CHOREOGRAPHY, Mode.ORCHESTRATION


class Told:
    """A world that is looked at, and what is told of it then."""

    def __init__(self):
        self.world, self.metrics = World(a_spec()), Metrics()

    def look(self):
        reconcile(self.world)
        self.metrics.observe(self.world.look()[1], ())

    def __call__(self, name, **labels):
        return self.metrics.registry.get_sample_value(f"bandstand_operator_{name}", labels)


@pytest.fixture
def told():
    told = Told()
    told.look()
    return told


def measured(told):
    """Until the step under way has been judged."""
    told.world.wait(seconds=6)
    told.look()


def test_the_mode_that_is_asked_for_and_the_weights_on_the_way_there(told):
    assert (told("target", mode=NEW), told("target", mode=OLD)) == (1, 0)
    assert (told("share", mode=NEW), told("share", mode=OLD)) == (10, 90)
    assert told("epoch") == told.world.epoch
    assert told("phase", phase=Phase.PROGRESSING) == 1


def test_the_steps_of_a_switch_are_counted_until_it_rests(told):
    assert (told("step"), told("steps")) == (1, 3)
    for _ in range(9):
        told.world.settle()
        measured(told)
    assert told("phase", phase=Phase.STABLE) == 1
    assert (told("step"), told("steps")) == (0, 0)


def test_each_metric_has_one_verdict_and_only_on_this_step(told):
    assert told("verdict", metric="errors", verdict=Verdict.PASS) is None
    measured(told)
    found = {verdict: told("verdict", metric="errors", verdict=verdict) for verdict in Verdict}
    assert found == {**dict.fromkeys(Verdict, 0), Verdict.PASS: 1}
    status = changed(told.world.status, epoch=told.world.status.epoch + 1)
    told.metrics.observe(an_observation(status), ())
    assert told("verdict", metric="errors", verdict=Verdict.PASS) is None


def test_a_drain_is_what_is_open_and_what_is_on_its_way(told):
    left = {NEW: Left(unsent=1, parked=2, unread=3), OLD: Left(unsent=0, parked=0, unread=0)}
    told.world.left, told.world.open = left, {NEW: 4, OLD: 0}
    told.metrics.observe(told.world.look()[1], ())
    words = ("open", "unsent", "parked", "unread")
    assert [told("left", mode=NEW, what=what) for what in words] == [4, 1, 2, 3]
    assert [told("left", mode=OLD, what=what) for what in words] == [0, 0, 0, 0]


def test_what_cannot_be_seen_is_not_nothing(told):
    told.world.reachable = False
    told.metrics.observe(told.world.look()[1], ())
    assert told("left", mode=NEW, what="unread") is None
    assert told("left", mode=NEW, what="open") is None
    assert told("target", mode=Who.CHOREOGRAPHY.mode) == 1
