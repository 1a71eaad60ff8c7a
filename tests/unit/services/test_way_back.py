"""What is told and counted of one order's way back, whoever comes first: only that is at random."""

from collections import Counter
from dataclasses import replace
from random import Random

import pytest

from services.kit.faults import Catalogue
from services.kit.message import Mode
from tests.simulator.broker import Losses
from tests.simulator.chaos import Chaos, draw
from tests.simulator.database import MemorySession
from tests.simulator.invariants import violations
from tests.simulator.services import TABLES, metrics
from tests.simulator.world import Mutation, World
from tests.unit.services.builders import Item, an_order

SEEDS = 40
SOLD_OUT = (Item("guitar", 1), Item("theremin", 1))
DOOMED = {
    "declined": {"card": "tok-declined"},
    "sold out": {"items": SOLD_OUT},
    "declined and sold out": {"card": "tok-declined", "items": SOLD_OUT},
    "unserved": {"country": "AQ"},
}


class Quiet(World):
    """Nobody interferes, and no time passes."""

    def _cancel(self):
        """Not here."""

    _switch = _read_again = _let_time_pass = _cancel


class Late(Quiet):
    """Time passes, and deadlines with it."""

    _let_time_pass = World._let_time_pass


def a_run(seed, mode, world=Quiet, **doom):
    """The world at its end, and how often each message was told."""
    told = Counter()

    class Noting(MemorySession):
        def commit(self):
            super().commit()
            told.update(row.record.message_id.split(":", 1)[1] for row in self.sent)

    drawn = replace(draw(Random(seed)), orders=(an_order(**doom),), replicas=1, stocked=100)
    calm = replace(drawn, chaos=Chaos(), losses=Losses(), catalogue=Catalogue(), poisons=0)
    plan = replace(calm, mode=mode, weight=100, rules=(), later_rules=None, answers=False)
    plan = replace(plan, rebalances=False, patience=False)
    found = world(seed, Mutation(session=Noting), plan)
    found.run()
    assert violations(found) == []
    return found, told


def compensations():
    return sum(
        sample.value
        for service in TABLES
        for metric in metrics(service).registry.collect()
        for sample in metric.samples
        if sample.name == "bandstand_compensations_total"
    )


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("doom", DOOMED)
def test_an_order_is_rejected_once_and_what_is_undone_is_counted_once(doom, mode):
    for seed in range(SEEDS):
        before = compensations()
        _, told = a_run(seed, mode, **DOOMED[doom])
        assert told["OrderRejected:1"] == max(told.values()) == 1, (seed, told)
        backward = ("StockReleased", "PaymentVoided", "OrderRejected")
        undone = sum(times for told_of, times in told.items() if told_of.startswith(backward))
        assert compensations() - before == undone <= len(backward), (seed, told)


@pytest.mark.parametrize("doom", DOOMED)
def test_an_order_that_is_asked_about_again_is_rejected_once_for_each_time(doom):
    asked = 0
    for seed in range(SEEDS):
        _, told = a_run(seed, Mode.CHOREOGRAPHY, Late, **DOOMED[doom])
        rejected = {event: times for event, times in told.items() if "OrderRejected" in event}
        assert set(rejected.values()) == {1}, (seed, told)
        asked += max(event.startswith("OrderExpired") for event in told)
    assert asked > 3
