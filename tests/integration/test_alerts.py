"""An alert of a real Prometheus over a real stack in real trouble, and calm again after it."""

from pathlib import Path

import pytest

from lab.demo.stage import on_stage
from lab.stack.home import Home
from lab.stack.supervisor import running
from services.kit.message import Mode
from tests.integration.prometheus_process import monitoring
from tests.integration.service_process import paused
from tests.integration.waiting import eventually

ORDERS, SEED, PATIENCE = 40, 4, 90
ALERT = "BandstandOrchestratorDown"


@pytest.fixture(scope="module")
def monitor(stack, prometheus, tmp_path_factory):
    urls = {name: service.url for name, service in stack.services.items()}
    with monitoring(prometheus, urls, tmp_path_factory.mktemp("prometheus")) as monitor:
        yield monitor


@pytest.mark.parametrize("mode", Mode)
def test_a_conductor_that_stands_still_is_told_where_orders_wait_for_it_and_only_there(
    stack, monitor, mode
):
    """Silent before and after; what came in meanwhile ends."""
    with on_stage(stack) as stage:
        stage.switch(mode)
        assert stage.await_quiet(PATIENCE)
        eventually(lambda: ALERT not in monitor.firing(), "nobody misses it yet", PATIENCE)
        load = stage.load(ORDERS, SEED)
        with paused(running(Home(Path(stack.home)), "orchestrator-0").pid):
            for planned in load.ledger.planned:
                load.place(planned)
            if mode is Mode.ORCHESTRATION:
                eventually(lambda: ALERT in monitor.firing(), "it is missed", PATIENCE)
            else:
                eventually(lambda: monitor.targets_up() == len(stack.services) - 1, "it is away")
                assert stage.await_quiet(PATIENCE)
                assert ALERT not in monitor.firing()
        eventually(lambda: ALERT not in monitor.firing(), "it is missed no more", PATIENCE)
        assert stage.await_quiet(PATIENCE)
