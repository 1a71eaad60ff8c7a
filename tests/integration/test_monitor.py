"""Sagas that stand still on a real stack: each way of watching notices all of them."""

from pathlib import Path

import pytest

from lab.demo.stage import on_stage
from lab.monitor.knowing import await_caught_up, conductor, knowing, timeline, tracking
from lab.monitor.stall import SCATTERED, stall
from lab.monitor.tracker import tracker
from lab.report.monitoring import CONDUCTED, TRACKED, UNTRACKED
from lab.stack.home import Home
from lab.stack.options import TRACKER
from lab.stack.supervisor import processes
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


def test_order_service_and_tracker_learn_of_every_saga_and_what_that_costs(stage, beside):
    _, pid = beside
    await_caught_up(stage)
    knowers = {UNTRACKED: timeline(), TRACKED: tracking(pid)}
    found = knowing(stage, Mode.CHOREOGRAPHY, BURST, SEED, knowers)
    assert_knows(found[UNTRACKED])
    assert_knows(found[TRACKED])
    assert found[UNTRACKED].cpu_ms_per_order is None
    assert found[UNTRACKED].known_share == 1
    assert found[TRACKED].cpu_ms_per_order > 0


def test_the_conductor_is_measured_by_the_same_questions(stage):
    home = Home(Path(stage.stack.home))
    pids = {each.name: each.pid for each in processes(home) if each.name == "orchestrator-0"}
    found = knowing(stage, Mode.ORCHESTRATION, BURST, SEED, {CONDUCTED: conductor(pids)})
    assert_knows(found[CONDUCTED])
    assert found[CONDUCTED].cpu_ms_per_order > 0


def assert_knows(found):
    assert found.lag_ms.samples == BURST
    assert 0 < found.lag_ms.p50 < 5_000
    assert 0 < found.current_share <= found.known_share <= 1


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
    scattered = found.answers[SCATTERED]
    assert (scattered.places, scattered.right) == (5.0, scattered.asked)
    for variant in (UNTRACKED, TRACKED, CONDUCTED):
        answers, after = found.answers[variant], found.after_ms(variant)
        assert len(after) == answers.asked == answers.right > 0
    assert min(found.after_ms(UNTRACKED)) > 9_000
    assert min(found.after_ms(TRACKED) + found.after_ms(CONDUCTED)) > 4_000
    places = {variant: answers.places for variant, answers in found.answers.items()}
    assert places == {SCATTERED: 5.0, UNTRACKED: 1.0, TRACKED: 1.0, CONDUCTED: 1.0}
    assert {variant: word.places for variant, word in found.words.items()} == {
        TRACKED: 2.0,
        CONDUCTED: 2.0,
    }
    assert all(word.right == word.asked > 0 for word in found.words.values())
