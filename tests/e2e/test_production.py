"""The profile for production on servers that are no part of the release, and that come late.

As it stands in the chart, but for addresses, fewer replicas and smaller requests. The cluster may
have no metrics-server: the autoscalers then hold what they start from.
"""

import json

import pytest

from lab.cluster.kubectl import Kubectl
from lab.cluster.target import release_target
from lab.cluster.tunnel import Tunnel
from lab.database import Database
from lab.load.summary import summarize
from lab.stack.ports import Ports
from lab.verify.invariants import verify
from services.kit.bootstrap import SERVICES
from services.kit.message import Mode
from services.kit.readiness import NOT_YET
from tests.e2e.cluster import Release, apply, image_from_environment, restricted_namespace, run
from tests.e2e.own_servers import PASSWORD, OwnServers
from tests.e2e.traffic import halves, under_load
from tests.integration.waiting import eventually

REPLICAS = 2
ORDERS = 80
PATIENCE_SECONDS = 300.0
FEWER = {
    **{f"services.{service}.replicas": REPLICAS for service in SERVICES},
    "settings.replication": 1,
    "serviceDefaults.resources.requests.cpu": "20m",
    "collector.resources.requests.cpu": "20m",
}
READYZ = """
import urllib.error, urllib.request
try:
    print(urllib.request.urlopen("http://127.0.0.1:8080/readyz").read().decode())
except urllib.error.HTTPError as refusal:
    print(refusal.read().decode())
"""


@pytest.fixture(scope="module")
def servers(_asked_for, tmp_path_factory):
    with restricted_namespace("bandstand-e2e-servers", enforced=False) as namespace:
        yield OwnServers(namespace, tmp_path_factory.mktemp("own"))


@pytest.fixture(scope="module")
def production(servers):
    """Installed, while there is neither Kafka nor PostgreSQL."""
    with restricted_namespace("bandstand-e2e-production") as namespace:
        apply(namespace, *servers.secrets())
        release = Release(namespace, image_from_environment(), "production")
        release.install(wait=False, **{"kafka.external": servers.kafka}, **FEWER)
        yield release
        run("helm", "--namespace", namespace, "uninstall", release.name, check=False)


@pytest.fixture(scope="module")
def database(production, servers):
    with Tunnel(Kubectl(servers.namespace), "service/postgres", 5432, Ports().take()) as tunnel:
        tunnel.await_open()
        url = f"postgresql://bandstand:{PASSWORD}@127.0.0.1:{tunnel.local}/bandstand"
        yield Database(url, PATIENCE_SECONDS, tunnel.renew)


@pytest.fixture
def order(production):
    with (
        release_target(production.namespace, production.name) as target,
        target.order_api() as api,
    ):
        yield api


def test_pods_wait_for_servers_that_come_late_and_say_for_what(production, servers):
    pods = eventually(lambda: all_started(production), "all are alive", PATIENCE_SECONDS)
    told = [
        json.loads(production.kubectl("exec", pod, "--", "python3", "-c", READYZ)) for pod in pods
    ]
    assert told == [{"database": NOT_YET, "broker": NOT_YET}] * len(pods)
    job = ("logs", "--selector=app.kubernetes.io/component=kafka-provision")
    eventually(lambda: "not yet" in production.kubectl(*job, check=False), "the job waits, too")
    servers.start()
    production.settle()
    assert set(production.restarts().values()) == {0}


def test_it_holds_the_replicas_that_its_autoscalers_begin_with(production):
    scaled = {one["spec"]["scaleTargetRef"]["name"] for one in production.items("hpa")}
    assert scaled == {f"{production.name}-{service}" for service in SERVICES}
    assert {len(production.pods_of(service)) for service in SERVICES} == {REPLICAS}


def test_its_own_test_passes(production):
    production.helm("test", production.name)


def test_orders_in_both_modes_keep_every_promise(production, order, database):
    halves(order)
    with (
        production.forward("order", 8080) as port,
        under_load(f"http://127.0.0.1:{port}", database, ORDERS) as load,
    ):
        pass
    assert set(summarize(load.ledger, database).modes) == set(Mode)

    def broken():
        return [verdict for verdict in verify(database) if not verdict.holds]

    eventually(lambda: not broken(), f"{broken()}")
    assert set(production.restarts().values()) == {0}


def test_an_uninstall_leaves_the_secrets_that_were_there_before(production):
    production.uninstall()
    assert production.left() == []
    assert len(production.items("secrets")) == 4
    assert production.items("pvc") == []


def all_started(release):
    """Every pod that there is to be, when each is alive and none is ready."""
    found = [pod for service in SERVICES for pod in release.pods_of(service)]
    states = [
        status
        for pod in release.items("pods")
        if pod["metadata"]["labels"]["app.kubernetes.io/component"] in SERVICES
        for status in pod["status"].get("containerStatuses", ())
    ]
    assert not any(state["ready"] for state in states)
    enough = len(found) == len(states) == REPLICAS * len(SERVICES)
    return found if enough and all(state["started"] for state in states) else []
