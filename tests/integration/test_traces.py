"""Traces of real sagas, told to a real Zipkin and read back: whole, and different by mode."""

import json
import os
import shutil
import signal
import tempfile
import threading
import time
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from lab.api import Api
from lab.cli import main
from lab.faults import set_faults
from lab.measure.scrape import instances
from lab.stack.home import Home
from lab.stack.options import StackOptions
from lab.stack.run import running_stack
from lab.stack.supervisor import processes
from lab.traces import find
from lab.traces.backend import reading
from lab.traces.find import MODES
from lab.traces.span import Kind
from services.kit.crash_points import Arming, Point
from services.kit.faults import Catalogue, Fault, Rule
from services.kit.message import Mode
from tests.integration.trace_backends import JAEGER, jaeger, tell_a_saga
from tests.integration.waiting import eventually
from tests.tools import lacking

ORDERS = 60
SLOW_START = 120.0  # of a JVM, beside all the others
STORM = 80
OVERDUE_MS = 10_500  # longer than any deadline: of a step 5 s, of an order 10
FAULTS = Catalogue(
    7,
    (
        Rule(Fault.FAIL, 5),
        Rule(Fault.DELAY, 30, command="ArrangeShipment", delay_ms=OVERDUE_MS),
        Rule(Fault.DELAY, 5, delay_ms=100),
    ),
)


@pytest.fixture(scope="module")
def traced():
    """A stack of which every saga is traced, after a load in both modes."""
    folder = Path(tempfile.mkdtemp(prefix="bandstand-test-")).resolve()
    folder.chmod(0o711)
    options = StackOptions(known_ports=False, traces=True)
    try:
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("OTEL_TRACES_SAMPLER", "always_on")
            environment.setenv("BANDSTAND_HOME", str(folder))
            with running_stack(options, home=Home(folder)) as running:
                if running.stack.traces is None:
                    lacking("there is no Java and Maven to have Zipkin from")
                eventually(lambda: answers(running.stack.traces), "Zipkin answers", SLOW_START)
                assert main(["switch", "orchestration", "--weight", "50"]) == 0
                load = ["load", "--orders", str(ORDERS), "--rate", "30", "--doomed", "20"]
                assert main(load) == 0
                yield running.stack
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def answers(url):
    try:
        return httpx.get(f"{url}/health").is_success
    except httpx.TransportError:
        return False


@pytest.fixture
def bandstand(traced, capsys):
    def run(*arguments):
        capsys.readouterr()
        code = main([*arguments])
        return code, capsys.readouterr().out

    return run


@pytest.fixture
def compared(bandstand):
    """Both modes, once the last spans have arrived."""

    def whole():
        last = ("--last", str(ORDERS), "--outcome", "any")
        code, printed = bandstand("trace", "compare", *last, "--json")
        modes = json.loads(printed)["modes"] if code == 0 else {}
        whole = sum(each["traces"] for each in modes.values()) == ORDERS
        return modes if whole and not any(each["orphans"] for each in modes.values()) else None

    return eventually(whole, "a whole trace of every order", SLOW_START)


def test_every_saga_has_one_trace_and_no_orphan(compared):
    assert set(compared) == set(MODES)
    assert sum(each["traces"] for each in compared.values()) == ORDERS


def test_a_conductor_takes_more_hops_and_more_spans(compared):
    orchestra, band = (compared[mode] for mode in MODES)
    assert orchestra["hops"] > band["hops"]
    assert orchestra["spans"] > band["spans"]
    assert len(orchestra["services"]) == 6
    assert len(band["services"]) == 5


def test_the_times_add_up_and_the_path_ends_where_the_saga_began(compared):
    for each in compared.values():
        times = each["time_ms"]
        assert set(times) == {"work", "queue", "broker", "database"}
        assert all(0 < part < each["total_ms"] for part in times.values())
        assert each["critical_path"][0] == "saga order"
        assert each["critical_path"][-1].startswith("order ")


def test_one_order_is_drawn_and_its_page_is_there(bandstand, traced, compared):
    code, printed = bandstand("trace", "compare", "--last", "1")
    assert code == 0
    assert "hops on the critical path" in printed
    with Api(traced.services["order"].url) as order:
        order_id = order.get("/orders?limit=1", dict)["orders"][0]["id"]
    code, printed = bandstand("trace", order_id)
    assert code == 0
    assert "saga order" in printed
    assert f"{traced.traces}/zipkin/traces/" in printed


def broken_rules(tree):
    """Whatever of a trace does not fit together: `(rule, span)`."""
    spans = {span.id: span for _, span in tree.all()}
    for span in spans.values():
        parent = spans.get(span.parent)
        if parent is None and span.id != tree.root.id:
            yield "its parent is there", span
        elif parent and span.start_us < parent.start_us:
            yield "it does not begin before its cause", span
        elif parent and parent.kind is Kind.PROCESS and span.start_us > parent.end_us:
            yield "it is sent by a handling that is not over", span
        if not 0 <= span.database_us <= span.end_us - span.start_us:
            yield "its parts fit into it", span


def test_spans_nest(traced, compared):
    with reading(traced.traces) as backend:
        trees = find.last(backend, ORDERS)
    assert len(trees) == ORDERS
    assert [broken for tree in trees for broken in broken_rules(tree)] == []
    assert all("saga.rejected" in marks(tree) for tree in trees if is_refused(tree))


def marks(tree):
    return {name for _, span in tree.all() for name in span.tags}


def is_undone(tree):
    return any(span.tags.get("saga.direction") == "backward" for _, span in tree.all())


def is_refused(tree):
    return tree.root.tags["saga.outcome"] == "rejected"


def arm(stack, service, point, mode, *kinds):
    with Api(stack.services[service].url, stack.token) as api:
        api.tell("PUT", "/crash-point", Arming(point, mode, frozenset(kinds)))


def kill(stack, name):
    for process in processes(Home(Path(stack.home))):
        if process.name == name and process.pid:
            os.kill(process.pid, signal.SIGKILL)


def arm_crash_points(stack):
    """Between commit and publication in each mode, and after publication."""
    point = Point.AFTER_COMMIT_BEFORE_PUBLISH
    arm(stack, "inventory", point, Mode.ORCHESTRATION, "ReserveStock")
    arm(stack, "shipping", point, Mode.CHOREOGRAPHY, "StockReserved", "PaymentAuthorized")
    arm(stack, "payment", Point.AFTER_PUBLISH_BEFORE_MARKING, Mode.CHOREOGRAPHY, "PaymentCaptured")


def kill_the_others(stack):
    """One after the other, wherever each is."""
    for name in ("orchestrator-0", "order-0", "notification-0"):
        kill(stack, name)
        time.sleep(0.7)


def test_no_trace_has_a_hole_where_processes_were_killed_under_faults(traced, compared):
    """One root, no orphan, everything in its place; a killed process's spans are told by its next
    life. Crash points are armed before the load: who is killed over the request gives no answer."""
    set_faults(instances(traced).values(), traced.token, FAULTS)
    arm_crash_points(traced)
    killer = threading.Timer(1.0, kill_the_others, (traced,))
    killer.start()
    assert main(["load", "--orders", str(STORM), "--rate", "30", "--doomed", "20"]) == 0
    killer.join()

    def whole():
        with reading(traced.traces) as backend:
            trees = find.last(backend, STORM + ORDERS)
        return trees if len(trees) == STORM + ORDERS else None

    trees = eventually(whole, "a trace of every order")
    assert [broken for tree in trees for broken in broken_rules(tree)] == []
    assert {tree.root.mode for tree in trees if "saga.resumed" in marks(tree)} == set(MODES)
    assert any("saga.put_off" in marks(tree) for tree in trees)
    assert {tree.root.mode for tree in trees if is_undone(tree)} == set(MODES)
    late = {tree.root.mode for tree in trees if Kind.TIMEOUT in {s.kind for _, s in tree.all()}}
    assert late == set(MODES)


@pytest.fixture(params=["zipkin", "jaeger"])
def backend(request, tmp_path, monkeypatch):
    """Both kinds, each told the same by the exporter that services use for it."""
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_on")
    if request.param == "zipkin":
        traced = request.getfixturevalue("traced")
        monkeypatch.setenv("OTEL_EXPORTER_ZIPKIN_ENDPOINT", f"{traced.traces}/api/v2/spans")
        with reading(traced.traces) as backend:
            yield backend
    elif JAEGER is None:
        lacking("jaeger is not on the PATH")
    else:
        with jaeger(tmp_path) as (url, environment):
            monkeypatch.setenv(*next(iter(environment.items())))
            with reading(url) as backend:
                yield backend


def of_three(tree):
    """A leaf that is still on its way is missed by nobody."""
    return tree if len(list(tree.walk())) == 3 else None


@pytest.mark.parametrize("link_only", [False, True], ids=["parents", "links"])
def test_every_backend_tells_the_same(backend, link_only):
    earlier, later = str(uuid4()), str(uuid4())
    tell_a_saga(earlier, Mode.CHOREOGRAPHY, link_only)
    tell_a_saga(later, Mode.CHOREOGRAPHY, link_only)
    tree = eventually(lambda: of_three(find.find(backend, later)), "the last span is there")
    root, sent, handled = [span for _, span in tree.walk()]
    assert (root.name, root.service, root.parent) == ("saga order", "order", None)
    assert (root.tags["saga.outcome"], root.tags["error"]) == ("rejected", "sold_out")
    assert (root.end_us - root.start_us) == pytest.approx(10_000, abs=2)
    assert (sent.kind, sent.parent, sent.step) == (Kind.SEND, root.id, "OrderPlaced")
    assert (handled.service, handled.parent, handled.step) == ("inventory", sent.id, "ReserveStock")
    assert (handled.tags["saga.rejected"].lower(), handled.database_us) == ("true", 3_000)
    assert find.find(backend, root.trace) == tree
    assert [each[0].trace for each in backend.last("choreography", 1)] == [root.trace]
    assert backend.page(root.trace).endswith(root.trace)
    assert backend.trace("0" * 31 + "1") == []
    assert backend.saga(str(uuid4())) == []
