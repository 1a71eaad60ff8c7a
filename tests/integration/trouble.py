"""What some panels are there for, done to a stack while Prometheus looks on: a point that is silent
while rules change, one that goes by old ones, a process that dies before it has sent, a carrier
that sits on shipments."""

import time
from contextlib import contextmanager
from pathlib import Path

from lab.api import Api
from lab.demo.misbehaving import misbehaving
from lab.load.progress import Bars
from lab.policy.rules import apply, await_enforced
from lab.stack.home import Home
from lab.stack.supervisor import running
from services.kit.crash_points import Arming, Point
from services.kit.faults import Catalogue, Fault, Rule
from services.kit.message import Mode
from services.policy.rules import read_rules
from tests.integration.service_process import paused
from tests.integration.waiting import eventually

ORDERS, RATE, SEED, PATIENCE = 60, 30, 11, 60
LATE = Rule(Fault.DELAY, 50, "ArrangeShipment", delay_ms=11_000)
DIES = Arming(
    Point.AFTER_COMMIT_BEFORE_PUBLISH,
    Mode.CHOREOGRAPHY,
    frozenset({"StockReserved", "PaymentAuthorized"}),
)
BEHIND = "bandstand_policy_points_behind > 0"


def trouble(stage, order, monitor, rules):
    """One after the other, in both modes; it is over when this returns."""
    stage.switch(Mode.ORCHESTRATION, 50)
    more = [*rules, no("trumpet")]
    with silenced(stage.stack, "shipping-0"):
        version = apply(order, read_rules(more), print).version
        began = time.time()
        eventually(lambda: monitor.series(BEHIND, began), "a point is behind")
    await_enforced(order, version, PATIENCE)
    with misbehaving(stage, Fault.STALE_POLICY):
        version = apply(order, read_rules([*more, no("piano")]), print).version
        await_enforced(order, version, PATIENCE)
        play(stage, SEED)
    with Api(stage.stack.services["shipping"].url, stage.stack.token) as shipping:
        shipping.tell("PUT", "/crash-point", DIES)
    stage.set_faults(Catalogue(SEED, (LATE,)))
    try:
        play(stage, SEED + 1)
    finally:
        stage.set_faults(Catalogue())


def no(sku):
    return {
        "name": f"no-{sku}",
        "guards": "AuthorizePayment",
        "when": f"order.items.exists(item, item.sku == '{sku}')",
        "effect": "deny",
    }


def play(stage, seed):
    load = stage.load(ORDERS, seed)
    load.open(RATE, seed, Bars(ORDERS), PATIENCE)
    assert stage.await_quiet(PATIENCE)


@contextmanager
def silenced(stack, name):
    with paused(running(Home(Path(stack.home)), name).pid):
        yield
