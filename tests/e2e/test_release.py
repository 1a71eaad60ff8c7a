"""The chart on a real cluster, in the order of a release's life."""

import re
import shlex
import subprocess

import httpx
import pytest

from lab.coordination.route import read_route
from lab.load.summary import summarize
from lab.stack.ports import Ports
from lab.verify.invariants import verify
from services.kit.bootstrap import SERVICES
from services.kit.message import Mode
from services.kit.readiness import AWAY
from tests.e2e.cluster import PATIENCE, run
from tests.e2e.conftest import ANSWER_SECONDS, SHORT_SESSION
from tests.e2e.traffic import (
    PATIENCE_SECONDS,
    halves,
    turn,
    under_load,
    wait_for_one_in,
    wait_for_share,
    while_orders_come,
)
from tests.integration.waiting import eventually

WATCHERS = ("prometheus", "collector", "jaeger")  # killed at once: no order needs them
PODS = (*SERVICES, "kafka", "postgres", "operator", *WATCHERS)

NEXT = re.compile(r"^  \d\. .+\n     (.+)$", re.MULTILINE)
TOKEN = re.compile(r"^The token .+\n  (.+)$", re.MULTILINE)


def test_all_of_it_becomes_ready_without_a_restart(release):
    assert len(release.restarts()) == len(PODS)
    assert set(release.restarts().values()) == {0}


def test_the_three_commands_that_it_tells_do_what_they_say(release):
    """The second one is `helm test`, which sees an order confirmed in each mode."""
    told = release.helm("get", "notes", release.name)
    wait, test, reach = (shlex.split(command) for command in NEXT.findall(told))
    assert run(*wait).count("condition met") == len(release.items("deployments"))
    assert "Succeeded" in run(*test)
    port = Ports().take()
    assert reach.pop() == "8080"
    with subprocess.Popen([*reach, f"{port}:8080"], stdout=subprocess.DEVNULL) as forward:
        try:
            eventually(lambda: answers(f"http://127.0.0.1:{port}/coordination"))
        finally:
            forward.terminate()
    (token,) = TOKEN.findall(told)
    assert run("sh", "-c", token) == release.secret("admin")["token"]


def test_only_the_token_opens_the_switch(order, order_url):
    seen = read_route(order)
    wish = {"mode": seen.mode, "weight": seen.weight, "epoch": seen.epoch}
    wrong = {"Authorization": "Bearer wrong"}
    with httpx.Client(base_url=order_url, timeout=ANSWER_SECONDS, trust_env=False) as http:
        assert http.put("/coordination", json=wish).status_code == 401
        assert http.put("/coordination", json=wish, headers=wrong).status_code == 403


def test_a_live_switch_under_load_loses_nothing(order, order_url, database):
    with under_load(order_url, database, orders=150) as load:
        wait_for_one_in(turn(order), load)
        wait_for_share(load, 0.5)
        wait_for_one_in(turn(order), load)
    assert set(summarize(load.ledger, database).modes) == set(Mode)


@pytest.mark.parametrize(
    "killed", [*([each] for each in PODS if each not in WATCHERS), WATCHERS], ids=" ".join
)
def test_a_killed_pod_comes_back_and_nothing_is_lost(killed, release, order, order_url, database):
    halves(order)
    with while_orders_come(order_url, database):
        for component in killed:
            release.kill(component)
        release.settle()


@pytest.mark.parametrize(("server", "part"), [("kafka", "broker"), ("postgres", "database")])
def test_pods_outlive_a_server_that_is_away_and_say_so_and_nothing_is_lost(
    server, part, release, order, order_url, database
):
    halves(order)
    before = release.restarts()
    with while_orders_come(order_url, database) as load:
        with release.without(server):
            eventually(lambda: readiness(order_url).get(part) == AWAY)
            if server == "kafka":
                already = len(load.ledger.placed)
                eventually(lambda: len(load.ledger.placed) > already + 20, "orders are accepted")
            else:
                release.await_all_unavailable(SERVICES)
        release.settle()
    assert release.restarts() == before


def test_an_upgrade_and_a_rollback_under_load_lose_nothing_and_keep_the_secrets(
    release, order_url, database
):
    secrets = release.secret("admin"), release.secret("database")
    with while_orders_come(order_url, database):
        release.install(**SHORT_SESSION, **{"services.inventory.replicas": 2, "settings.seed": 2})
        eventually(lambda: len(release.pods_of("inventory")) == 2, "the old pod is gone")
        release.helm("rollback", release.name, "--wait", f"--timeout={PATIENCE}")
    assert (release.secret("admin"), release.secret("database")) == secrets


def test_every_promise_was_kept(database):
    def broken():
        return [verdict for verdict in verify(database) if not verdict.holds]

    eventually(lambda: not broken(), f"{broken()}", within=PATIENCE_SECONDS)


def test_an_uninstall_leaves_nothing_but_claims_and_they_fit_the_next_install(release, order):
    before = order.text("/orders?limit=1")
    release.uninstall()
    assert release.left() == []
    assert release.namespace not in release.kubectl("get", "validatingwebhookconfigurations")
    assert len(release.items("pvc")) == 2
    release.install(**SHORT_SESSION)
    with release.forward("order", 8080) as port:
        url = f"http://127.0.0.1:{port}/orders?limit=1"
        assert httpx.get(url, timeout=ANSWER_SECONDS).text == before


def readiness(url):
    try:
        return httpx.get(f"{url}/readyz").json()
    except httpx.TransportError:
        return {}


def answers(url):
    try:
        return httpx.get(url).status_code == 200
    except httpx.TransportError:
        return False
