"""Every panel's query, asked of a real Prometheus that scrapes a stack under a load with faults."""

import time
from collections import Counter

import pytest

from lab.api import Api
from lab.coordination.route import switch
from lab.demo.stage import on_stage
from lab.errors import MissingError
from lab.load.progress import Bars
from observability.dashboards.all import DASHBOARDS
from observability.prometheus import find_prometheus
from services.kit.faults import Catalogue, Fault, Rule
from services.kit.message import Mode
from tests.integration.prometheus_process import monitoring
from tests.integration.waiting import eventually

ORDERS, RATE, SEED, PATIENCE = 400, 30, 5, 60
FAULTS = (Rule(Fault.DUPLICATE_PUBLISH, 20), Rule(Fault.FAIL, 10))
PANELS = [(board.uid, panel) for board in DASHBOARDS for panel in board.panels()]


@pytest.fixture(scope="module")
def prometheus():
    try:
        return find_prometheus()
    except MissingError as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="module")
def monitor(stack, prometheus, tmp_path_factory):
    urls = {name: service.url for name, service in stack.services.items()}
    with monitoring(prometheus, urls, tmp_path_factory.mktemp("prometheus")) as monitor:
        yield monitor


@pytest.fixture(scope="module")
def began(stack, monitor):
    """When a load in both modes began; it is over now."""
    began = time.time()
    with on_stage(stack) as stage:
        with Api(stack.services["order"].url, stack.token) as order:
            switch(order, Mode.ORCHESTRATION, 50, print)
        load = stage.load(ORDERS, SEED)
        stage.set_faults(Catalogue(SEED, FAULTS))
        try:
            load.open(RATE, SEED, Bars(ORDERS), PATIENCE)
        finally:
            stage.set_faults(Catalogue())
        assert stage.await_quiet(PATIENCE)
    return began


@pytest.mark.parametrize(("uid", "panel"), PANELS, ids=[f"{uid} {p.title}" for uid, p in PANELS])
def test_a_panel_has_something_to_show(monitor, began, uid, panel):
    for query in panel.queries:
        found = eventually(lambda query=query: monitor.series(query.expr, began), query.expr, 15)
        print(f"{uid}, {panel.title}: {len(found)} series")


def test_both_modes_are_there_to_be_compared(monitor, began):
    for uid, panel in PANELS:
        if uid != "bandstand-compare" or "{{mode}}" not in panel.queries[0].legend:
            continue
        found = Counter(each["mode"] for each in monitor.series(panel.queries[0].expr, began))
        assert set(found) >= set(Mode), panel.title


def test_nobody_was_woken_for_a_load_that_went_well(monitor, began):
    assert monitor.firing() <= {"BandstandQueueSlow"}
