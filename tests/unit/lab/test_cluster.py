"""A release reached through kubectl, for which a stand-in answers."""

import base64
import inspect
import json
import os
import signal
import socket
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from kafka.net import KafkaNetSocket

from lab.cli import COMMANDS, NOT_ON_A_CLUSTER, main
from lab.cluster import kubectl as kubectl_module
from lab.cluster.kubectl import Kubectl
from lab.cluster.pods import pod_report
from lab.cluster.release import find_release, read_secret
from lab.cluster.target import ReleaseTarget
from lab.cluster.through_tunnel import through
from lab.cluster.tunnel import Tunnel
from lab.database import Database
from lab.errors import (
    MissingError,
    NoStackError,
    NotReadyError,
    RefusedError,
)
from services.kit.bootstrap import SERVICES
from tests.integration.waiting import eventually

STAND_IN = Path(__file__).with_name("stand_in_kubectl.py")
PASSWORDS = {"admin.password": "p/ss", "order.password": "other"}
FORBIDDEN = (
    'Error from server (Forbidden): pods "x" is forbidden: User "eve" cannot create resource'
)


@pytest.fixture
def cluster(tmp_path, monkeypatch):
    """The folder from which the stand-in answers."""
    program = tmp_path / "kubectl"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -S {STAND_IN} "$@"\n')
    program.chmod(0o755)
    monkeypatch.setattr(kubectl_module, "PROGRAM", str(program))
    monkeypatch.setenv("STAND_IN", str(tmp_path))
    before = signal.getsignal(signal.SIGTERM)
    yield tmp_path
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def kubectl(cluster):
    return Kubectl("stage")


def a_release(cluster, *, kafka=True, postgres=True, ca="", **environment):
    settings = {"BANDSTAND_KAFKA": "band-kafka:9092", **environment}
    items = [a_deployment(name, settings, ca) for name in SERVICES]
    parts = [*SERVICES, *(["kafka"] * kafka), *(["postgres"] * postgres)]
    items += [an_address(name) for name in parts]
    items.append(an_address("order", name="order-pods", clusterIP="None"))
    (cluster / "deployments.json").write_text(json.dumps({"items": items}))


def an_address(component, name=None, **spec):
    labels = {"app.kubernetes.io/component": component}
    metadata = {"name": name or f"band-{component}", "labels": labels}
    return {"kind": "Service", "metadata": metadata, "spec": spec}


def a_deployment(component, settings, ca):
    secrets = {
        "BANDSTAND_TOKEN": ("admin", "token"),
        "BANDSTAND_DATABASE_URL": ("database", component),
        "BANDSTAND_KAFKA_PASSWORD": ("kafka", f"{component}.password"),
    }
    env = [{"name": name, "value": value} for name, value in settings.items()]
    for name, (secret, key) in secrets.items():
        env.append({"name": name, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}})
    env.append({"name": "BANDSTAND_INSTANCE", "valueFrom": {"fieldRef": {"fieldPath": "x"}}})
    volumes = [{"name": "kafka-ca", "secret": {"secretName": ca}}] if ca else []
    pod = {"containers": [{"name": component, "env": env}], "volumes": volumes}
    labels = {"app.kubernetes.io/component": component}
    return {
        "kind": "Deployment",
        "metadata": {"name": f"band-{component}", "labels": labels},
        "spec": {"template": {"spec": pod}},
    }


def a_secret(cluster, **data):
    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
    (cluster / "secret.json").write_text(json.dumps({"data": encoded}))


@pytest.fixture
def target(cluster, kubectl):
    def make(**parts):
        a_release(cluster, **parts)
        return ReleaseTarget(kubectl, find_release(kubectl, "band"))

    return make


def test_a_release_tells_where_its_parts_are_and_by_what_they_live(cluster, kubectl):
    a_release(cluster)
    release = find_release(kubectl, "band")
    assert release.address("order") == "band-order"
    assert release.settings["BANDSTAND_KAFKA"] == "band-kafka:9092"
    assert release.secrets["BANDSTAND_TOKEN"].key == "token"


def test_what_is_no_release_is_said_with_where_was_looked(cluster, kubectl):
    (cluster / "deployments.json").write_text('{"items": []}')
    with pytest.raises(NoStackError, match=r"no release 'band'.*namespace 'stage'"):
        find_release(kubectl, "band")


def test_a_secret_is_read_and_a_missing_one_is_named(cluster, kubectl):
    a_secret(cluster, token="t")
    assert read_secret(kubectl, "admin") == {"token": "t"}
    (cluster / "secret.txt").write_text('Error from server (NotFound): secrets "admin" not found')
    with pytest.raises(MissingError, match="'admin'"):
        read_secret(kubectl, "admin")


def test_without_kubectl_it_is_said_how_to_get_it(monkeypatch, capsys):
    monkeypatch.setattr(kubectl_module, "PROGRAM", "/nowhere/kubectl")
    assert main(["--kube", "verify"]) == 3
    assert "kubernetes.io/docs/tasks/tools" in capsys.readouterr().err


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_asks_what_it_is_about_or_is_not_for_a_cluster(command):
    asks = "context" in inspect.signature(command).parameters
    assert asks != (command.__name__ in NOT_ON_A_CLUSTER)


@pytest.mark.parametrize("command", NOT_ON_A_CLUSTER)
def test_what_makes_no_sense_on_a_cluster_says_so_in_one_line(command, capsys):
    assert main(["--kube", command]) == 2
    said = capsys.readouterr().err
    assert f"`{command}` is not for --kube" in said
    assert said.count("\n") == 1


def test_a_namespace_means_a_cluster(capsys):
    assert main(["--namespace", "stage", "verify"]) == 2
    assert "--kube" in capsys.readouterr().err


def test_a_tunnel_is_dug_when_it_is_needed_and_closed_with_the_target(cluster, target):
    with target() as found:
        assert started(cluster) == []
        url = found.url("order")
        assert found.url("order") == url
        (process,) = started(cluster)
    assert not is_alive(process)


def test_a_tunnel_whose_pod_is_gone_is_dug_again_from_the_same_port(cluster, kubectl):
    with Tunnel(kubectl, "service/band-order", 8080, 20_001) as tunnel:
        tunnel.await_open()
        (first,) = started(cluster)
        os.kill(first, signal.SIGTERM)
        second = eventually(lambda: started(cluster)[1:], "it is dug again")
    assert not is_alive(second[0])


def test_a_tunnel_that_lets_nothing_through_is_dug_again(cluster, kubectl):
    with Tunnel(kubectl, "service/band-postgres", 5432, 20_001) as tunnel:
        tunnel.await_open()
        tunnel.renew()
        second = eventually(lambda: started(cluster)[1:], "it is dug again")
    assert not is_alive(second[0])


def test_whoever_keeps_the_tunnel_hears_of_a_server_that_is_silent(monkeypatch):
    heard = []

    def connect(*_, **__):
        raise psycopg.errors.ConnectionTimeout("connection timeout expired")

    monkeypatch.setattr(psycopg, "connect", connect)
    database = Database("postgresql://127.0.0.1/band", patience=0.3, silent=lambda: heard.append(1))
    with pytest.raises(NotReadyError):
        database.rows(b"SELECT 1", dict)
    assert heard


def test_a_tunnel_that_is_not_permitted_is_not_waited_for(cluster, target):
    (cluster / "refuses.txt").write_text(FORBIDDEN)
    with target() as found, pytest.raises(RefusedError, match="eve"):
        found.url("order")


def test_a_tunnel_that_leads_nowhere_says_why(cluster, kubectl):
    (cluster / "refuses.txt").write_text("error: unable to forward port because pod is not running")
    with (
        Tunnel(kubectl, "service/band-order", 8080, 20_001) as tunnel,
        pytest.raises(NotReadyError, match="pod is not running"),
    ):
        tunnel.await_open(patience=0.5)


def test_the_database_is_that_of_the_release_or_the_one_it_was_given(cluster, target):
    a_secret(cluster, admin="postgresql://owner@db/shop", **PASSWORDS)
    with target() as found:
        assert found.postgres().startswith("postgresql://bandstand:p%2Fss@127.0.0.1:")
    with target(postgres=False) as found:
        assert found.postgres() == "postgresql://owner@db/shop"


def test_a_key_that_a_secret_does_not_have_is_named(cluster, target):
    a_secret(cluster, token="t")
    with target(postgres=False) as found, pytest.raises(MissingError, match="no key 'admin'"):
        found.postgres()


def test_the_lab_goes_to_the_broker_as_its_owner_through_a_tunnel(cluster, target):
    a_secret(cluster, **PASSWORDS)
    security = {"BANDSTAND_KAFKA_SECURITY": "SASL_PLAINTEXT", "BANDSTAND_KAFKA_MECHANISM": "PLAIN"}
    with target(**security) as found:
        access = found.kafka()
    assert access.bootstrap == "band-kafka:9092"
    assert access.options["proxy_url"].startswith("tunnel://127.0.0.1:")
    assert access.options["sasl_plain_username"] == "admin"
    assert access.options["sasl_plain_password"] == "p/ss"


def test_a_broker_outside_of_the_release_is_reached_without_a_tunnel(cluster, target):
    a_secret(cluster, **PASSWORDS)
    with target(kafka=False) as found:
        assert "proxy_url" not in found.kafka().options
    assert started(cluster) == []


def test_whatever_address_a_broker_tells_the_tunnel_is_where_clients_go():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        near_end = KafkaNetSocket(through(port)["proxy_url"])
        (family, kind, _, _, address), *_ = near_end.dns_lookup("band-kafka.stage.svc", 9092)
        caller = threading.Thread(target=lambda: server.accept()[0].close())
        caller.start()
        with socket.socket(family, kind) as client:
            client.connect(address)
        caller.join()
    assert address[1] == port


def a_pod(**changes):
    container = {"ready": True, "restartCount": 2, "state": {"running": {}}}
    status = {
        "phase": "Running",
        "startTime": "2026-01-01T00:00:00Z",
        "containerStatuses": [{**container, **changes.pop("container", {})}],
    }
    labels = {"app.kubernetes.io/component": changes.pop("component", "order")}
    created = {"creationTimestamp": "2026-01-01T00:00:00Z"}
    metadata = {"name": "order-x", "labels": labels, **created, **changes}
    return {"metadata": metadata, "status": status}


@pytest.mark.parametrize(
    ("pod", "state", "ready"),
    [
        (a_pod(), "Running", True),
        (a_pod(deletionTimestamp="2026-01-01T00:00:01Z"), "Terminating", True),
        (
            a_pod(
                container={
                    "ready": False,
                    "state": {"waiting": {"reason": "CrashLoopBackOff"}},
                }
            ),
            "CrashLoopBackOff",
            False,
        ),
    ],
)
def test_a_pod_is_what_keeps_it_from_running(pod, state, ready):
    report = pod_report(pod, datetime(2026, 1, 1, 0, 1, tzinfo=UTC))
    assert (report.state, report.ready, report.restarts) == (state, ready, 2)
    assert report.uptime_seconds == 60


def test_what_orders_cost_is_read_in_each_pod_and_nowhere_else(cluster, target):
    pods = [a_pod(), a_pod(name="kafka-0", component="kafka"), a_pod(name="g", component="grafana")]
    (cluster / "pods.json").write_text(json.dumps({"items": pods}))
    (cluster / "exec-order-x.txt").write_text(f"{a_stat(1, 100, 20)}\n{a_stat(7, 3, 2, 'a) (b')}\n")
    (cluster / "exec-kafka-0.txt").write_text(a_stat(1, 0, 0, children=50))
    with target() as found:
        assert found.cpu_seconds() == {("order", "order-x"): 1.25, ("kafka", "kafka-0"): 0.5}
        assert found.restarts() == {"order-x": 2, "kafka-0": 2}
        assert found.replicas().keys() == {"order-x"}


def test_a_pod_that_is_gone_or_silent_is_missing_and_the_others_are_counted(
    cluster, target, monkeypatch
):
    monkeypatch.setattr(kubectl_module, "HUNG_SECONDS", 5.0)
    pods = [a_pod(), a_pod(name="gone"), a_pod(name="silent")]
    (cluster / "pods.json").write_text(json.dumps({"items": pods}))
    (cluster / "exec-order-x.txt").write_text(a_stat(1, 100, 20))
    (cluster / "exec-silent.txt").write_text("")
    with target() as found:
        assert found.cpu_seconds() == {("order", "order-x"): 1.2}


def test_nothing_is_used_where_there_is_nothing(cluster, target):
    (cluster / "pods.json").write_text(json.dumps({"items": []}))
    with target() as found:
        assert found.cpu_seconds() == {}


def test_the_machine_of_a_release_is_that_of_its_order_service(cluster, target):
    (cluster / "pods.json").write_text(json.dumps({"items": [a_pod()]}))
    (cluster / "exec-order-x.txt").write_text("4 3.13.5\n")
    with target(kafka=False) as found:
        machine = found.machine()
    assert (machine.cores, machine.python) == (4, "3.13.5")
    assert (machine.kafka, machine.postgres) == ("elsewhere", "in the release")


def a_stat(pid, user, system, name="python3", children=0):
    """A line of /proc/PID/stat, in ticks."""
    return f"{pid} ({name}) S 1 1 1 0 -1 4194560 9 9 0 0 {user} {system} {children} 0 20 0 5 0 77"


def started(cluster):
    """The processes of tunnels, in their order."""
    file = cluster / "started"
    lines = file.read_text().splitlines() if file.exists() else []
    return [int(line.split()[0]) for line in lines]


def is_alive(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
