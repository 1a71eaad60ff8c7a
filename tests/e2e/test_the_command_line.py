"""`bandstand --kube`, as a person or a script uses it; it verifies all orders that went before."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from lab.coordination.route import read_route
from lab.stack.processes import is_dead
from lab.traces.find import MODES
from services.kit.bootstrap import SERVICES
from tests.integration.waiting import eventually

BANDSTAND = str(Path(sys.executable).with_name("bandstand"))
ORDERS = 60
KEPT_SECONDS = 90.0  # the Collector judges a saga 20 s after its first span


@pytest.fixture
def bandstand(release):
    """Runs it; what it printed, and its exit code."""
    place = ("--kube", "--namespace", release.namespace, "--release", release.name)

    def run(*words):
        return subprocess.run(
            [BANDSTAND, *place, *words], capture_output=True, text=True, check=False, timeout=900
        )

    run.command = [BANDSTAND, *place]
    return run


def said(done):
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_loads_in_both_modes_keep_every_promise(bandstand):
    for mode in sorted(MODES):
        said(bandstand("switch", mode, "--wait", "--json"))
        summary = said(bandstand("load", "--orders", str(ORDERS), "--rate", "20", "--json"))
        assert summary["accepted"] == ORDERS
        assert set(summary["modes"]) == {mode}
    verdicts = said(bandstand("verify", "--json"))["invariants"]
    assert verdicts
    assert {verdict["violations"] for verdict in verdicts} == {0}
    assert all(verdict["checked"] for verdict in verdicts)


def test_status_lists_the_pods_and_their_restarts(bandstand):
    pods = said(bandstand("status", "--json"))["pods"]
    assert {pod["component"] for pod in pods if pod["ready"]} >= {*SERVICES, "kafka", "postgres"}


def test_both_modes_traces_are_compared_from_the_jaeger_of_the_release(bandstand):
    def compared():
        done = bandstand("trace", "compare", "--last", "5", "--json")
        modes = json.loads(done.stdout)["modes"] if done.returncode == 0 else {}
        return modes if not any(each["orphans"] for each in modes.values()) else {}

    modes = eventually(compared, "traces of both modes are kept, none with an orphan", KEPT_SECONDS)
    assert set(modes) == set(MODES)
    assert modes["orchestration"]["hops"] > modes["choreography"]["hops"]


def test_a_report_measures_the_release_and_leaves_its_route_alone(bandstand, order, tmp_path):
    before = read_route(order)
    words = ("report", "--orders", str(ORDERS), "--folder", str(tmp_path), "--json")
    found = said(bandstand(*words))
    assert set(found["modes"]) == set(MODES)
    for mode in found["modes"].values():
        assert mode["orders"] == mode["confirmed"] + mode["rejected"] == ORDERS
        assert mode["cpu_ms_per_order"] > 0
        assert mode["latency_ms"]["p50"] > 0
    assert found["switch"]["switches"] in (1, 2), "a drain may outlast the load"
    assert {found["switch"][wrong] for wrong in ("lost", "duplicated", "stuck")} == {0}
    after = read_route(order)
    assert (after.mode, after.weight) == (before.mode, before.weight)
    assert (tmp_path / "report.html").is_file()


def test_an_order_is_explained_from_all_services(bandstand, order):
    placed = latest(order)
    assert said(bandstand("saga", placed, "--json"))["inquiry"]["order"]["id"] == placed


def test_dead_letters_and_faults_are_read_through_the_tunnel(bandstand):
    assert said(bandstand("dead-letters", "list", "--json")) == {"letters": []}
    assert said(bandstand("faults", "show", "--json")).keys() == set(SERVICES)


def test_a_ctrl_c_leaves_no_tunnel_and_still_says_what_was_done(bandstand, order):
    before = latest(order)
    load = subprocess.Popen(
        [*bandstand.command, "load", "--orders", "500", "--rate", "10", "--json"],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    eventually(lambda: latest(order) != before, "orders are placed")
    tunnels = opened_by(load.pid)
    assert len(tunnels) == 2, "to the order service and to the database"
    os.killpg(load.pid, signal.SIGINT)
    summary, _ = load.communicate(timeout=120)
    assert load.returncode == 130
    assert 0 < json.loads(summary)["accepted"] < 500
    assert all(is_dead(tunnel.pid) for tunnel in tunnels)


def latest(order):
    (found,) = order.get("/orders?limit=1", dict)["orders"]
    return found["id"]


def opened_by(process):
    return [
        child
        for child in psutil.Process(process).children(recursive=True)
        if "port-forward" in child.cmdline()
    ]
