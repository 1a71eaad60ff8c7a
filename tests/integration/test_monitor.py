"""Sagas that stand still on a real stack: each way of watching notices all of them."""

import pytest

from lab.demo.stage import on_stage
from lab.monitor.knowing import await_caught_up, knowing
from lab.monitor.stall import stall
from lab.monitor.tracker import tracker
from lab.report.monitoring import CONDUCTED, TRACKED, UNTRACKED
from lab.stack.options import TRACKER
from services.kit.message import Mode

# A burst long enough to be counted a dozen times while orders are open.
STALLED, BURST, SEED = 12, 480, 3


@pytest.fixture(scope="module")
def stage(stack):
    with on_stage(stack) as stage:
        yield stage


@pytest.fixture(scope="module")
def beside(stack):
    """The tracker's URL and its process."""
    with tracker(stack) as running:
        yield running


def test_the_tracker_learns_of_every_saga_and_what_that_costs(stage, beside):
    _, pid = beside
    await_caught_up(stage.database)
    found = knowing(stage, Mode.CHOREOGRAPHY, BURST, SEED, {TRACKER: pid})
    assert found.lag_ms.samples == BURST
    assert 0 < found.lag_ms.p50 < 5_000
    assert 0 < found.known_share <= 1
    assert found.cpu_ms_per_order > 0


def test_each_way_of_watching_notices_what_it_can_know(stage, beside):
    url, _ = beside
    urls = {name: each.url for name, each in stage.stack.services.items()} | {TRACKER: url}
    found = stall(stage, STALLED, SEED, urls)
    said = {variant: noticed.said for variant, noticed in found.noticed.items()}
    assert said == {
        UNTRACKED: ["order"],
        TRACKED: ["ShipmentArranged"],
        CONDUCTED: ["ArrangeShipment"],
    }
    for variant in (UNTRACKED, TRACKED, CONDUCTED):
        answers, after = found.answers[variant], found.after_ms(variant)
        assert len(after) == answers.asked == answers.right > 0
    assert min(found.after_ms(UNTRACKED)) > 9_000
    assert min(found.after_ms(TRACKED) + found.after_ms(CONDUCTED)) > 4_000
    places = {variant: answers.places for variant, answers in found.answers.items()}
    assert places == {UNTRACKED: 5.0, TRACKED: 2.0, CONDUCTED: 2.0}
