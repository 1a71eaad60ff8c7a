"""A trial is told from the one before, and is not judged by it."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from coordination_operator.analysis import Sample
from coordination_operator.phases import Command, Phase
from coordination_operator.plan import Past
from coordination_operator.resources import Who, length
from coordination_operator.status import CoordinationStatus
from coordination_operator.trials import Earlier, earlier_trial
from services.kit.message import Mode
from tests.unit.operator.a_world import GOOD, World, run
from tests.unit.operator.builders import START, a_spec, seconds

TRIED, BAD = Mode.CHOREOGRAPHY, 0.9


def a_history(*shares):
    """Of the mode that is tried, the first one first and 10 s each, said of either mode."""
    pasts = [
        Past(TRIED, share, START + seconds(10 * i))
        if i % 2
        else Past(TRIED.other, 100 - share, START + seconds(10 * i))
        for i, share in enumerate(shares)
    ]
    return pasts[::-1]


@pytest.mark.parametrize("shares", [(), (0,), (100,), (0, 10), (0, 10, 50, 100), (0, 10, 0), (5,)])
def test_a_first_trial_or_none_has_none_before_it(shares):
    assert earlier_trial(a_history(*shares), TRIED) is None


@pytest.mark.parametrize(
    ("shares", "ended", "began"),
    [
        ((10, 0, 10), 10, 20),
        ((0, 10, 50, 0, 10, 50), 30, 40),
        ((100, 0, 0, 10, 5, 20), 10, 30),
        ((10, 0, 20, 0, 30), 30, 40),
    ],
)
def test_a_trial_begins_where_it_gets_a_share_that_it_keeps(shares, ended, began):
    found = earlier_trial(a_history(*shares), TRIED)
    assert found == Earlier(START + seconds(ended), START + seconds(began))


class Remembering(World):
    """Prometheus: whatever went wrong within the window is in its answer."""

    broken_at = START - timedelta(days=1)

    def samples(self, wanted, target):
        if self.sample.value == BAD:
            self.broken_at = self.now
        seen = self.now - self.broken_at < length(wanted.window)
        return [Sample(BAD) if seen else self.sample for _ in wanted.metrics]


def test_a_restart_is_not_judged_by_what_went_wrong_before():
    world = Remembering(a_spec(mode=Who.ORCHESTRATION))
    run(world)
    looking_far_back = replace(a_spec().analysis, window="2m")
    world.spec, world.sample = a_spec(analysis=looking_far_back), Sample(BAD)
    assert run(world, 4) is Phase.ROLLED_BACK
    world.sample, world.asked = GOOD, {Command.RESTART}
    assert run(world, 9) is Phase.STABLE


def test_who_remembers_no_earlier_trial_is_not_judged_by_it_either():
    """Another process on a laptop, or an object that was made anew."""
    world = Remembering(a_spec(mode=Who.ORCHESTRATION))
    run(world)
    looking_far_back = replace(a_spec().analysis, window="2m")
    world.spec, world.sample = a_spec(analysis=looking_far_back), Sample(BAD)
    assert run(world, 4) is Phase.ROLLED_BACK
    world.sample, world.status = GOOD, CoordinationStatus()
    world.spec = replace(world.spec, mode=Who.ORCHESTRATION)
    run(world)
    world.spec = replace(world.spec, mode=Who.CHOREOGRAPHY)
    assert run(world, 9) is Phase.STABLE
