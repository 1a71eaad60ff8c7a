"""A Coordination, its orchestrator and its events as the API server gives and takes them."""

import httpx2
import pytest

from coordination_operator.asking import Gone
from coordination_operator.errors import Stale, Unavailable
from coordination_operator.phases import Command, Phase
from coordination_operator.plan import Deployed
from coordination_operator.reconcile import reconcile
from coordination_operator.resources import Who
from coordination_operator.status import CoordinationStatus, Note
from services.kit.message import Mode
from tests.unit.operator.an_api_server import EVENTS
from tests.unit.operator.an_operator import DEPLOYMENT, LEASE, OBJECT, AnOperator

NOTE = Note("Started", "from Orchestration to Choreography")
TROUBLE = [
    (404, Gone),
    ("404 page not found", Gone),
    (409, Stale),
    (410, Unavailable),
    (403, Unavailable),
    (500, Unavailable),
    (httpx2.ReadTimeout("slow"), Unavailable),
    (httpx2.ConnectError("refused"), Unavailable),
]


@pytest.fixture
def operator():
    operator = AnOperator()
    operator.api.put_coordination(
        {"mode": "Choreography", "rollout": {"steps": [{"weight": 10, "minDuration": "0s"}]}},
        annotations={"bandstand.dev/promote": "now", "example.com/mine": "kept"},
    )
    return operator


def test_all_that_can_be_seen_is_seen(operator):
    spec, observed = operator.cluster.look()
    assert spec.mode is Who.CHOREOGRAPHY
    assert observed.orchestrator == Deployed(wanted=1, ready=1)
    assert observed.route.share(Mode.ORCHESTRATION) == 100
    assert observed.asked == {Command.PROMOTE}
    assert observed.unseen == {}


def test_a_status_that_cannot_be_read_says_nothing_and_is_no_end(operator):
    operator.api.objects[OBJECT]["status"] = {"phase": "Verifying", "activeMode": "Orchestration"}
    reconcile(operator.cluster)
    assert operator.cluster.look()[1].status.phase is Phase.STABLE


def test_a_spec_that_cannot_be_read_is_a_condition_and_nothing_is_done(operator):
    reconcile(operator.cluster)
    share, version = operator.services.share(Mode.CHOREOGRAPHY), None
    operator.api.objects[OBJECT]["spec"] = {"mode": "Polka"}
    for _ in range(2):
        with pytest.raises(Unavailable, match="spec is not understood"):
            reconcile(operator.cluster)
        stored = operator.api.objects[OBJECT]
        assert version in (None, stored["metadata"]["resourceVersion"])
        version = stored["metadata"]["resourceVersion"]
    ready = next(each for each in stored["status"]["conditions"] if each["type"] == "Ready")
    assert (ready["status"], ready["reason"]) == ("Unknown", "SpecNotUnderstood")
    assert stored["status"]["phase"] == "Stable"
    assert operator.services.share(Mode.CHOREOGRAPHY) == share


def test_who_was_sent_away_is_not_asked_what_it_has_left(operator):
    operator.api.put_deployment(0)
    operator.cluster.look()
    assert operator.services.without == ("orchestrator",)


def test_what_cannot_be_seen_is_said_by_name_and_is_not_the_end_of_the_object(operator):
    operator.services.reachable = False
    del operator.api.objects[DEPLOYMENT]
    _, observed = operator.cluster.look()
    assert (observed.route, observed.orchestrator) == (None, None)
    assert set(observed.unseen) == {"OrderService", "Orchestrator"}


@pytest.mark.parametrize(("trouble", "error"), TROUBLE)
def test_each_trouble_with_the_object_has_its_word(operator, trouble, error):
    operator.cluster.look()
    operator.api.trouble[OBJECT] = operator.api.trouble[f"{OBJECT}/status"] = trouble
    for attempt in (
        operator.cluster.look,
        lambda: operator.cluster.save(CoordinationStatus()),
        lambda: operator.cluster.done_with([Command.PROMOTE]),
    ):
        with pytest.raises(error):
            attempt()


def test_a_status_is_saved_only_on_the_object_that_was_looked_at(operator):
    operator.cluster.look()
    operator.api.put_coordination({"mode": "Orchestration"}, generation=2)
    with pytest.raises(Stale):
        operator.cluster.save(CoordinationStatus(phase=Phase.STABLE))
    operator.cluster.look()
    operator.cluster.save(CoordinationStatus(phase=Phase.STABLE))
    operator.cluster.save(CoordinationStatus(phase=Phase.PREPARING))
    assert operator.cluster.look()[1].status.phase is Phase.PREPARING


def test_what_a_status_no_longer_says_is_taken_out(operator):
    operator.cluster.look()
    operator.cluster.save(CoordinationStatus(step="1/2", unannounced=(NOTE,)))
    operator.cluster.save(CoordinationStatus())
    status = operator.api.objects[OBJECT]["status"]
    assert "step" not in status
    assert status["unannounced"] == []


def test_an_annotation_that_was_obeyed_is_taken_off_and_no_other(operator):
    operator.cluster.look()
    operator.cluster.done_with([Command.PROMOTE])
    assert operator.api.objects[OBJECT]["metadata"]["annotations"] == {"example.com/mine": "kept"}


def test_the_orchestrator_is_scaled_only_as_it_was_looked_at(operator):
    operator.cluster.look()
    operator.cluster.scale(0)
    assert operator.replicas == 0
    with pytest.raises(Stale):
        operator.cluster.scale(2)
    assert operator.replicas == 0


def test_pods_that_were_sent_away_are_not_ready_for_what_was_asked_for_since(operator):
    operator.api.put_deployment(1, ready=1, generation=3, seen=2)
    assert operator.cluster.look()[1].orchestrator == Deployed(wanted=1, ready=0)
    operator.api.put_deployment(1, ready=1, generation=3, seen=3)
    assert operator.cluster.look()[1].orchestrator == Deployed(wanted=1, ready=1)


def test_a_deployment_that_is_gone_is_trouble_and_not_the_end_of_the_object(operator):
    operator.cluster.look()
    del operator.api.objects[DEPLOYMENT]
    with pytest.raises(Unavailable):
        operator.cluster.scale(2)


def test_an_event_that_is_told_again_is_counted(operator):
    operator.cluster.look()
    assert operator.cluster.tell([NOTE]) == []
    assert operator.another().cluster.look()
    assert operator.cluster.tell([NOTE]) == []
    assert operator.api.events() == [(NOTE.reason, NOTE.message, 2)]
    assert operator.counted("Started") == 2


@pytest.mark.parametrize("trouble", [429, 500, 503, httpx2.ReadTimeout("slow")])
def test_an_event_that_nobody_took_is_told_again(operator, trouble):
    operator.cluster.look()
    operator.api.trouble[EVENTS] = trouble
    assert operator.cluster.tell([NOTE]) == [NOTE]
    assert operator.counted("Started") is None
    operator.api.trouble.clear()
    assert operator.cluster.tell([NOTE]) == []
    assert operator.counted("Started") == 1


def test_an_event_that_is_refused_holds_nothing_up_and_is_counted_all_the_same(operator):
    operator.cluster.look()
    operator.api.trouble[EVENTS] = 403
    assert operator.cluster.tell([NOTE]) == []
    assert operator.counted("Started") == 1


def test_what_was_not_told_is_in_the_status_for_whoever_comes_next(operator):
    operator.api.trouble[EVENTS] = 503
    reconcile(operator.cluster)
    assert operator.api.events() == []
    operator.api.trouble.clear()
    successor = operator.another()
    reconcile(successor.cluster)
    told = [reason for reason, _, _ in operator.api.events()]
    assert {"Started", "Prepared", "WeightAdvanced"} <= set(told)
    assert successor.cluster.look()[1].status.unannounced == ()


def test_what_is_looked_after_is_noted_before_the_status_is_saved(operator):
    operator.cluster.look()
    operator.api.trouble[f"{OBJECT}/status"] = 409
    with pytest.raises(Stale):
        operator.cluster.save(CoordinationStatus(active_mode=Who.ORCHESTRATION))
    assert '"activeMode":"Orchestration"' in operator.annotations["bandstand.dev/coordinations"]


def test_what_cannot_be_noted_holds_nothing_up(operator):
    operator.cluster.look()
    operator.api.trouble[LEASE] = 403
    status = CoordinationStatus(phase=Phase.STABLE, active_mode=Who.ORCHESTRATION)
    operator.cluster.save(status)
    assert operator.cluster.look()[1].status == status
