"""Every panel's query, asked of a real Prometheus that scrapes a stack under a load with faults;
those about faults must show them."""

import re
import time
from collections import Counter

import pytest

from lab.api import Api
from lab.coordination.route import switch
from lab.demo.stage import on_stage
from lab.load.progress import Bars
from lab.policy.rules import apply, await_enforced
from lab.stack.ports import LOOPBACK
from observability.dashboards.all import DASHBOARDS
from observability.dashboards.panel import asked, queries
from services.kit.faults import Catalogue, Fault, Rule
from services.kit.message import Mode
from services.policy.rules import read_rules
from tests.integration.prometheus_process import monitoring
from tests.integration.service_process import processes
from tests.integration.traffic import send_unreadable
from tests.integration.trouble import trouble
from tests.integration.waiting import eventually
from tests.integration.watched_switch import an_operators_metrics, switch_as_judged

ORDERS, RATE, SEED, PATIENCE = 400, 30, 5, 60
SHOWN_WITHIN_SECONDS = 60
FAULTS = (Rule(Fault.DUPLICATE_PUBLISH, 20), Rule(Fault.FAIL, 10))
POISONED = "inventory.commands"
POLICIES = (
    {
        "name": "no-drums",
        "guards": "AuthorizePayment",
        "when": "order.items.exists(item, item.sku == 'drums')",
        "effect": "deny",
    },
    {
        "name": "fails",
        "guards": "ReserveStock",
        "when": "1 / 0 > 0",
        "effect": "deny",
        "onError": "open",
    },
)
PANELS = [
    (board.uid, panel.title, [asked(expr) for each, expr in queries(board) if each is panel])
    for board in DASHBOARDS
    for panel in dict.fromkeys(panel for panel, _ in queries(board))
]
FIRING = "Alerts that are firing"
TROUBLED = {
    "bandstand-compare": ("Failing", "Slow", "Compensations per order", "Retries", FIRING),
    "bandstand-orchestra": ("Deadlines passed", "Way back", "Trouble", FIRING),
    "bandstand-jazz-band": (
        "Deadlines passed",
        "What stuck sagas wait for",
        "Way back",
        "Trouble",
        FIRING,
    ),
    "bandstand-switch": ("Failing", FIRING),
    "bandstand-plumbing": ("Sent late", "Put off and dead", FIRING),
    "bandstand-policy": (
        "Points behind, both modes",
        "Behind for, both modes",
        "Denied and held, by rule",
        "Steps done past a rule",
        "Rules that fail",
        FIRING,
    ),
}
NOT_MET = ("max(bandstand_policy_points_missed)",)  # of a point that is away for 30 s


@pytest.fixture(scope="module")
def tracker(stack, tmp_path_factory):
    """Beside the stack, as it is optional."""
    logs = tmp_path_factory.mktemp("logs")
    with processes(stack.postgres.url, stack.kafka.bootstrap, logs) as make:
        yield make("saga-tracker").start()


@pytest.fixture(scope="module")
def operator():
    """The metrics of one, and where they are."""
    with an_operators_metrics() as (metrics, url):
        yield metrics, url


@pytest.fixture(scope="module")
def monitor(stack, tracker, prometheus, operator, tmp_path_factory):
    urls = {name: service.url for name, service in stack.services.items()}
    urls[tracker.name] = f"http://{LOOPBACK}:{tracker.port}"
    folder = tmp_path_factory.mktemp("prometheus")
    with monitoring(prometheus, urls, folder, operator[1]) as monitor:
        yield monitor


@pytest.fixture(scope="module")
def began(stack, monitor, operator):
    """When a load in both modes began, with faults and one message that nobody can read, then a
    switch that an operator judged, and then worse faults; all of it is over now."""
    began = time.time()
    with on_stage(stack) as stage:
        with Api(stack.services["order"].url, stack.token) as order:
            switch(order, Mode.ORCHESTRATION, 50, print)
            version = apply(order, read_rules(list(POLICIES)), print).version
            assert await_enforced(order, version, PATIENCE).behind() == []
        load = stage.load(ORDERS, SEED)
        stage.set_faults(Catalogue(SEED, FAULTS))
        send_unreadable(stack.kafka.bootstrap, POISONED)
        try:
            load.open(RATE, SEED, Bars(ORDERS), PATIENCE)
        finally:
            stage.set_faults(Catalogue())
        assert stage.await_quiet(PATIENCE)
        assert switch_as_judged(stage, operator[0], RATE).promoted
        assert stage.await_quiet(PATIENCE)
        with Api(stack.services["order"].url, stack.token) as order:
            trouble(stage, order, monitor, POLICIES)
    yield began
    with Api(stack.services["order"].url, stack.token) as order:
        await_enforced(order, apply(order, (), print).version, PATIENCE)


@pytest.fixture(scope="module")
def deadline(began):
    return time.monotonic() + SHOWN_WITHIN_SECONDS


@pytest.mark.parametrize(
    ("uid", "title", "exprs"), PANELS, ids=[f"{uid} {title}" for uid, title, _ in PANELS]
)
def test_a_panel_has_something_to_show(
    monitor, began, deadline, record_property, uid, title, exprs
):
    """Each of its queries, within a minute of the load."""
    drawn = []
    for expr in exprs:
        left = max(deadline - time.monotonic(), 1)
        drawn += eventually(lambda expr=expr: monitor.samples(expr, began), expr, left)
    record_property("panel", f"{uid:21} {title:37} {sum(drawn):6} samples, {len(drawn):3} series")


@pytest.mark.parametrize(
    ("uid", "title"), [(uid, each) for uid in TROUBLED for each in TROUBLED[uid]]
)
def test_a_panel_about_faults_shows_them(monitor, began, uid, title):
    """Its line has left the ground, where it lies without any."""
    (exprs,) = [exprs for board, panel, exprs in PANELS if (board, panel) == (uid, title)]
    for expr in exprs:
        if expr not in NOT_MET:
            assert monitor.highest(expr, began) > 0, expr


def test_both_modes_are_there_to_be_compared(monitor, began):
    compare = next(board for board in DASHBOARDS if board.uid == "bandstand-compare")
    for panel, expr in queries(compare):
        if "$mode" in expr:
            found = Counter(each["mode"] for each in monitor.series(asked(expr), began))
            assert set(found) >= set(Mode), panel.title


def test_one_mode_alone_can_be_chosen(monitor, began):
    compare = next(board for board in DASHBOARDS if board.uid == "bandstand-compare")
    for panel, expr in queries(compare):
        if "$mode" in expr:
            for mode in Mode:
                found = monitor.series(asked(expr, [mode]), began)
                assert {each["mode"] for each in found} == {mode}, panel.title


def test_only_alerts_about_what_was_done_fire(monitor, began):
    """A message that nobody can read, and steps past a rule. Orders that were late are a share of
    all, and a machine that runs everything at once may be slow."""
    late = ("BandstandOrdersSlow", "BandstandOrdersFailing", "BandstandQueue")
    firing = {alert for alert in monitor.firing() if not alert.startswith(late)}
    assert firing == {"BandstandDeadLetters", "BandstandPolicyBypassed"}


DOTTED = [
    (board.uid, panel.title, target.expr)
    for board in DASHBOARDS
    for panel in dict.fromkeys(panel for panel, _ in queries(board))
    for target in panel.targets
    if target.exemplar
]


@pytest.mark.parametrize(
    ("uid", "title", "expr"), DOTTED, ids=[f"{uid} {title}" for uid, title, _ in DOTTED]
)
def test_a_dot_on_a_latency_panel_is_a_trace(monitor, began, uid, title, expr):
    """One order in ten is traced, and Prometheus keeps which."""
    found = monitor.exemplars(asked(expr), began)
    assert found
    assert all(re.fullmatch("[0-9a-f]{32}", each["trace_id"]) for each in found)
