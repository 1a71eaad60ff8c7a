"""Policies as the API server gives and takes them."""

import httpx2
import msgspec
import pytest
from lightkube import Client, KubeConfig
from lightkube.config.models import Cluster, User

from coordination_operator.errors import Stale
from coordination_operator.events import Events
from coordination_operator.memory import memory_of_policies
from coordination_operator.policy_cluster import PolicyCluster
from coordination_operator.policy_resources import KIND, PolicyStatus, Remembered
from coordination_operator.status import Note
from tests.unit.operator.a_policy_world import a_rule, rules
from tests.unit.operator.an_api_server import ApiServer as FullApi

META = {"namespace": "shop", "uid": "u-1", "generation": 3, "resourceVersion": "17"}


def an_object(name="drums", status=None, **meta):
    return {
        "apiVersion": "bandstand.dev/v1alpha1",
        "kind": KIND,
        "metadata": {"name": name, **META, **meta},
        "spec": {"rules": [a_rule()]},
        **({"status": status} if status is not None else {}),
    }


class ApiServer:
    def __init__(self, *objects, refuse=None, even_to_look=False):
        self.asked = []
        self._objects, self._refuse, self._even_to_look = objects, refuse, even_to_look
        config = KubeConfig.from_one(cluster=Cluster("http://api"), user=User())
        transport = httpx2.MockTransport(self.answer)
        client = Client(config, namespace="shop", transport=transport)
        self.told = []
        memory = memory_of_policies(client, "operator")
        events = Events(client, KIND)
        self.cluster = PolicyCluster(client, None, events, memory, self.told.append)

    def answer(self, request):
        body = msgspec.json.decode(request.content) if request.content else None
        self.asked.append((request.method, request.url.path, body))
        if request.method == "GET" and not self._even_to_look:
            return self.json({"kind": "PolicyList", "metadata": {}, "items": self._objects})
        if self._refuse:
            return self.json({"kind": "Status", "code": self._refuse}, self._refuse)
        return self.json(body if request.method == "POST" else an_object(resourceVersion="18"))

    def json(self, body, code=200):
        return httpx2.Response(code, json=body)


def test_all_objects_are_read_but_those_on_their_way_out():
    kept = {"accepted": {"generation": 2, "rules": [a_rule()]}, "version": 4}
    leaving = an_object("leaving", deletionTimestamp="2026-03-01T12:00:00Z")
    nonsense = an_object("nonsense", status={"version": "four"})
    api = ApiServer(an_object(status=kept), leaving, nonsense)
    drums, other = api.cluster.look()
    assert (drums.name, drums.generation, drums.spec) == ("drums", 3, {"rules": [a_rule()]})
    assert drums.status.accepted == Remembered(generation=2, rules=rules("no-drums"))
    assert other.status == PolicyStatus()


def test_without_a_definition_there_are_no_objects():
    assert ApiServer(refuse=404, even_to_look=True).cluster.look() == []


def test_a_status_is_saved_only_on_the_object_that_was_looked_at():
    api = ApiServer(an_object())
    api.cluster.look()
    kept = Remembered(generation=3, rules=rules("no-drums"))
    api.cluster.save("drums", PolicyStatus(version=5, accepted=kept))
    method, path, body = api.asked[-1]
    assert (method, path) == (
        "PATCH",
        "/apis/bandstand.dev/v1alpha1/namespaces/shop/policies/drums/status",
    )
    assert body["metadata"] == {"resourceVersion": "17"}
    assert body["status"]["accepted"]["rules"][0]["onError"] == "closed"
    assert body["status"]["proposed"] is None


@pytest.mark.parametrize("code", [404, 409])
def test_an_object_that_was_changed_or_deleted_meanwhile_is_looked_at_again(code):
    api = ApiServer(an_object(), refuse=code)
    api.cluster.look()
    with pytest.raises(Stale):
        api.cluster.save("drums", PolicyStatus())


def test_an_event_is_about_the_object():
    api = ApiServer(an_object())
    api.cluster.look()
    note = Note("RuleRefused", "line 1", warning=True)
    assert api.cluster.tell("drums", [note]) == []
    event = api.asked[-1][2]
    assert (event["involvedObject"]["kind"], event["involvedObject"]["uid"]) == (KIND, "u-1")
    assert (event["type"], event["reason"]) == ("Warning", "RuleRefused")
    assert api.told == [note]


def test_the_versions_of_objects_are_noted_for_whoever_comes_next():
    api = FullApi()
    api.put_lease()
    clusters = []
    for client in (api.client(), api.client()):
        memory = memory_of_policies(client, "operator")
        clusters.append(PolicyCluster(client, None, Events(client, KIND), memory, print))
    for version in range(5):
        clusters[0].remember(version, alone=False)
    assert clusters[1].remembered() == (1, 2, 3, 4)
    clusters[0].remember(4, alone=True)
    assert clusters[1].remembered() == (4,)
    clusters[1].forget()
    assert clusters[0].remembered() == ()


def test_a_version_that_cannot_be_noted_holds_nothing_up():
    ApiServer(refuse=403, even_to_look=True).cluster.remember(1, alone=False)
