"""Which trial the order service's history tells from the one before."""

import pytest

from coordination_operator.plan import Past
from coordination_operator.trials import Earlier, earlier_trial
from services.kit.message import Mode
from tests.unit.operator.builders import START, seconds

TRIED = Mode.CHOREOGRAPHY


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
