"""Six real services under a load with faults, while the mode is switched again and again, and
nobody waits for anything to drain."""

import threading
from collections import Counter
from typing import Any, NamedTuple

import pytest

from lab.api import Api
from lab.coordination.route import switch
from lab.demo.stage import on_stage
from lab.load.progress import Bars
from lab.load.summary import summarize
from lab.verify.invariants import verify
from services.kit.faults import Catalogue, Fault, Rule
from services.kit.message import Mode
from services.order.model import Route
from tests.integration.databases import rows
from tests.integration.waiting import eventually

SHARE = 43
AMPLE = 4_000  # more than is placed until each route has had its share
RATE = 40
SEED = 11
PATIENCE = 60
FAULTS = (
    Rule(Fault.DUPLICATE_PUBLISH, 20),
    Rule(Fault.DELAY, 10, delay_ms=400),
    Rule(Fault.FAIL, 10),
    Rule(Fault.REFUSE, 2),
)
ROUTES = (
    (Mode.CHOREOGRAPHY, 100),
    (Mode.ORCHESTRATION, 100),
    (Mode.CHOREOGRAPHY, 50),
    (Mode.ORCHESTRATION, 0),
    (Mode.ORCHESTRATION, 80),
    (Mode.ORCHESTRATION, 100),
)
ADMITTED = "SELECT id::text, mode, epoch FROM orders.orders WHERE id = ANY(%s::uuid[])"
HISTORY = "SELECT epoch, mode, weight FROM orders.route_history"
HEARD = """
SELECT DISTINCT order_id::text, mode, epoch FROM orders.timeline WHERE order_id = ANY(%s::uuid[])
"""
CONDUCTED = "SELECT order_id::text FROM orchestrator.sagas WHERE order_id = ANY(%s::uuid[])"


class Played(NamedTuple):
    """The load, the route that each switch came to, what became of it, and the promises."""

    ledger: Any
    switches: list[Any]
    summary: Any
    faults: dict[Mode, dict[str, float]]
    verdicts: list[Any]


@pytest.fixture(scope="module")
def played(stack):
    with on_stage(stack) as stage:
        load, meter = stage.load(AMPLE, SEED), stage.meter()
        meter.begin()
        stage.set_faults(Catalogue(SEED, FAULTS))
        try:
            switches = switched_under(load, stack)
        finally:
            stage.set_faults(Catalogue())
        assert stage.await_quiet(PATIENCE)
        meter.tick()
        counted = meter.costs().counted
        met = {mode: counted.by("fault", "bandstand_faults_total", mode=mode) for mode in Mode}
        summary = summarize(load.ledger, stage.database)
        return Played(load.ledger, switches, summary, met, list(verify(stage.database)))


def switched_under(load, stack):
    """One switch whenever a share of the load has been placed, and some of it since the last."""
    customers = threading.Thread(target=load.open, args=(RATE, SEED, Bars(AMPLE), PATIENCE))
    customers.start()
    switches = []
    try:
        with Api(stack.services["order"].url, stack.token) as order:
            await_more(load, SHARE)
            for mode, weight in ROUTES:
                switches.append(switch(order, mode, weight, print))
                await_more(load, SHARE, switches[-1].epoch)
    finally:
        load.stop()
        customers.join()
    return switches


def await_more(load, orders, epoch=0):
    """As many orders, of which one is of that epoch or a later one."""
    placed = load.ledger.placed
    enough = len(placed) + orders
    eventually(
        lambda: len(placed) >= enough and placed[-1].order.epoch >= epoch, f"{enough} orders"
    )


@pytest.fixture(scope="module")
def admitted(played, stack):
    """Mode and epoch of each order, as they were written down when it was admitted."""
    found = rows(stack.postgres.url, ADMITTED, played.ledger.ids)
    return {order: (mode, epoch) for order, mode, epoch in found}


def test_every_order_is_accepted_and_ends_once(played):
    assert played.summary.accepted >= SHARE * (len(ROUTES) + 1)
    assert played.summary.turned_away == 0
    assert (played.summary.lost, played.summary.unended, played.summary.duplicated) == (0, 0, 0)
    assert {mode: share.open for mode, share in played.summary.modes.items()} == dict.fromkeys(
        Mode, 0
    )


def test_every_promise_is_kept(played):
    assert [each for each in played.verdicts if each.violations] == []
    assert all(each.checked for each in played.verdicts)


def test_every_order_keeps_the_mode_that_its_customer_was_told(played, admitted, stack):
    told = {each.order.id: (each.order.mode, each.order.epoch) for each in played.ledger.placed}
    assert told == admitted
    heard = rows(stack.postgres.url, HEARD, played.ledger.ids)
    assert {order: (mode, epoch) for order, mode, epoch in heard} == admitted
    assert len(heard) == len(admitted)
    conducted = {order for (order,) in rows(stack.postgres.url, CONDUCTED, played.ledger.ids)}
    assert conducted == {order for order, (mode, _) in admitted.items() if mode == "orchestration"}


def test_every_order_is_in_the_mode_that_its_epoch_chooses(admitted, stack):
    history = rows(stack.postgres.url, HISTORY)
    routes = {epoch: Route(Mode(mode), weight, epoch) for epoch, mode, weight in history}
    assert all(routes[epoch].choose(order) == mode for order, (mode, epoch) in admitted.items())


def test_there_was_something_to_switch_and_something_to_go_wrong(played, admitted):
    """Or the others would show nothing: each route got orders, the two modes had orders open at
    the same time when it was switched, and each fault met both modes."""
    epochs = [route.epoch for route in played.switches]
    assert epochs == list(range(epochs[0], epochs[0] + len(ROUTES)))
    orders = Counter(epoch for _, epoch in admitted.values())
    assert set(orders) == {epochs[0] - 1, *epochs}
    mixed = [route for route in played.switches if {each.mode for each in route.open} == set(Mode)]
    assert len(mixed) >= 2
    for mode in Mode:
        assert set(played.faults[mode]) == {rule.fault for rule in FAULTS}
