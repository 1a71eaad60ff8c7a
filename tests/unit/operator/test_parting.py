"""What becomes of the route when the object is gone, and what is said of it."""

from datetime import timedelta

import httpx2
import pytest

from coordination_operator.errors import Unavailable
from coordination_operator.parting import look_after
from coordination_operator.reconcile import reconcile
from services.kit.message import Mode
from tests.unit.operator.an_api_server import EVENTS
from tests.unit.operator.an_operator import LEASE, OBJECT, AnOperator, FakeServices

ROLLOUT = {"steps": [{"weight": 20, "minDuration": "1h"}], "progressDeadline": "2h"}
ALONE = "nobody looks after it any more"


def an_operator(mode="Choreography", deployed=1, services=None, **spec):
    operator = AnOperator(services=services)
    operator.api.put_deployment(deployed, ready=deployed)
    operator.api.put_coordination({"mode": mode, "rollout": ROLLOUT, **spec})
    reconcile(operator.cluster)
    return operator


def delete(operator):
    del operator.api.objects[OBJECT]


def said(operator):
    return [message for reason, message, _ in operator.api.events() if reason == "Deleted"]


@pytest.fixture
def rollout():
    """In the middle: a fifth of new sagas is choreographed on trial."""
    operator = an_operator()
    assert operator.services.share(Mode.CHOREOGRAPHY) == 20
    return operator


def test_no_mode_is_left_on_trial_and_it_is_said_who_has_everything(rollout):
    delete(rollout)
    assert rollout.parting.say() is None
    assert rollout.services.share(Mode.ORCHESTRATION) == 100
    assert said(rollout) == [f"{ALONE}; Orchestration has all new sagas"]
    assert rollout.counted("Deleted") == 1


def test_it_is_said_once(rollout):
    delete(rollout)
    rollout.parting.say()
    assert rollout.another().parting.say() is None
    assert len(said(rollout)) == 1
    assert rollout.annotations == {}


def test_an_operator_that_was_away_when_it_was_deleted_says_it_when_it_is_back(rollout):
    delete(rollout)
    successor = rollout.another()
    assert successor.parting.say() is None
    assert rollout.services.share(Mode.ORCHESTRATION) == 100
    assert said(rollout) == [f"{ALONE}; Orchestration has all new sagas"]


def test_what_was_suspended_stays_as_it_is_and_the_route_is_told_as_it_is(rollout):
    rollout.api.put_coordination({"mode": "Choreography", "suspend": True}, generation=2)
    rollout.api.objects[OBJECT]["status"] = {"phase": "Progressing", "activeMode": "Orchestration"}
    reconcile(rollout.cluster)
    delete(rollout)
    rollout.parting.say()
    assert rollout.services.share(Mode.CHOREOGRAPHY) == 20
    shares = "Orchestration 80 % and Choreography 20 % of new sagas"
    stays = "it was suspended, so the route stays as it is"
    assert said(rollout) == [f"{ALONE}; {stays}: {shares}"]


def test_it_is_tried_until_the_order_service_takes_it(rollout):
    delete(rollout)
    rollout.services.reachable = False
    for _ in range(3):
        with pytest.raises(Unavailable):
            rollout.parting.say()
    assert said(rollout) == []
    rollout.services.reachable = True
    rollout.parting.say()
    assert rollout.services.share(Mode.ORCHESTRATION) == 100
    assert len(said(rollout)) == 1


def test_somebody_who_switches_meanwhile_is_seen(rollout):
    delete(rollout)
    rollout.services.faster = True
    assert rollout.parting.say() is None
    assert rollout.services.share(Mode.ORCHESTRATION) == 100


@pytest.mark.parametrize("trouble", [503, httpx2.ReadTimeout("slow")])
def test_it_is_tried_until_the_event_is_written(rollout, trouble):
    delete(rollout)
    rollout.api.trouble[EVENTS] = trouble
    assert rollout.parting.say() is not None
    assert rollout.annotations
    rollout.api.trouble.clear()
    assert rollout.parting.say() is None
    assert len(said(rollout)) == 1


def test_an_event_that_is_refused_is_the_end_of_it(rollout):
    delete(rollout)
    rollout.api.trouble[EVENTS] = 403
    assert rollout.parting.say() is None
    assert rollout.annotations == {}


def test_an_orchestrator_that_was_sent_away_is_fetched_back_for_nobody_else_would():
    services = FakeServices(Mode.CHOREOGRAPHY)
    idle = {"scaleToZeroWhenIdle": True, "replicas": 3}
    operator = an_operator(services=services, orchestrator=idle)
    assert operator.replicas == 0
    delete(operator)
    operator.parting.say()
    assert operator.replicas == 3
    assert said(operator) == [f"{ALONE}; Choreography has all new sagas"]


def recreate(operator, **spec):
    """Before anybody has seen that it was gone."""
    delete(operator)
    operator.api.put_coordination({"mode": "Orchestration", "rollout": ROLLOUT, **spec}, uid="new")


def test_whoever_has_its_name_next_trusts_no_mode_that_was_on_trial(rollout):
    recreate(rollout)
    successor = rollout.another()
    assert look_after(successor.cluster, successor.parting) == timedelta()
    assert said(rollout) == [f"{ALONE}; Orchestration has all new sagas"]
    look_after(successor.cluster, successor.parting)
    status = rollout.api.objects[OBJECT]["status"]
    assert (status["phase"], status["activeMode"]) == ("Stable", "Orchestration")
    assert rollout.services.share(Mode.ORCHESTRATION) == 100
    assert '"uid":"new"' in rollout.annotations["bandstand.dev/coordinations"]


def test_whoever_has_its_name_next_says_what_it_waits_for_and_touches_nothing(rollout):
    recreate(rollout)
    rollout.services.reachable = False
    look_after(rollout.cluster, rollout.parting)
    status = rollout.api.objects[OBJECT]["status"]
    assert status["conditions"][0]["reason"] == "OrderServiceUnavailable"
    rollout.services.reachable = True
    look_after(rollout.cluster, rollout.parting)
    assert said(rollout) == [f"{ALONE}; Orchestration has all new sagas"]


def test_an_object_is_no_stranger_to_whoever_was_killed_before_its_status_was_saved(rollout):
    rollout.api.objects[OBJECT]["status"] = {}
    successor = rollout.another()
    assert look_after(successor.cluster, successor.parting)
    assert said(rollout) == []
    assert rollout.services.share(Mode.CHOREOGRAPHY) == 20


@pytest.mark.parametrize("lost", [{}, {"phase": "Verifying"}])
def test_a_drain_is_gone_on_with_by_whoever_finds_no_status_that_can_be_read(rollout, lost):
    rollout.services.open = {Mode.ORCHESTRATION: 5, Mode.CHOREOGRAPHY: 5}
    annotations = {"bandstand.dev/promote": "now"}
    spec = rollout.api.objects[OBJECT]["spec"]
    status = rollout.api.objects[OBJECT]["status"]
    rollout.api.put_coordination(spec, annotations=annotations)
    rollout.api.objects[OBJECT]["status"] = status
    reconcile(rollout.cluster)
    assert rollout.services.share(Mode.CHOREOGRAPHY) == 100
    rollout.api.objects[OBJECT]["status"] = lost
    look_after(rollout.another().cluster, rollout.parting)
    status = rollout.api.objects[OBJECT]["status"]
    assert (status["phase"], status["activeMode"]) == ("Draining", "Orchestration")
    assert status["actions"] == ["abort"]
    rollout.services.open = {}
    look_after(rollout.cluster, rollout.parting)
    status = rollout.api.objects[OBJECT]["status"]
    assert (status["phase"], status["activeMode"]) == ("Stable", "Choreography")


def test_what_is_gone_is_in_no_phase_and_has_no_target(rollout):
    rollout.cluster.look()
    assert rollout.metric("phase", phase="Progressing") == 1
    delete(rollout)
    look_after(rollout.cluster, rollout.parting)
    assert rollout.metric("phase", phase="Progressing") is None
    assert rollout.metric("target", mode=Mode.CHOREOGRAPHY) is None
    assert rollout.metric("steps") == 0
    assert rollout.counted("Deleted") == 1


def test_where_nothing_was_looked_after_nothing_is_done():
    operator = AnOperator()
    operator.services.reachable = False
    assert operator.parting.say() is None
    assert operator.api.events() == []


def test_a_memory_that_cannot_be_read_is_none():
    operator = AnOperator()
    annotations = {"bandstand.dev/coordinations": '{"polka": 1}'}
    operator.api.objects[LEASE]["metadata"]["annotations"] = annotations
    assert operator.parting.say() is None
