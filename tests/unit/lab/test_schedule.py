"""Open-loop arrivals are settled before the first order is sent."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.load.schedule import arrivals


@given(st.integers(0, 500), st.floats(0.1, 5000), st.integers())
def test_arrivals_are_seeded_ascending_and_as_many_as_orders(orders, rate, seed):
    due = arrivals(orders, rate, seed)
    assert len(due) == orders
    assert due == arrivals(orders, rate, seed)
    assert all(earlier <= later for earlier, later in pairwise(due))


@given(st.integers(1, 200), st.floats(0.1, 1000), st.integers())
def test_the_rate_only_stretches_the_schedule(orders, rate, seed):
    slow, fast = arrivals(orders, rate, seed), arrivals(orders, 2 * rate, seed)
    assert slow == pytest.approx([2 * seconds for seconds in fast])


def test_the_average_is_the_rate():
    assert arrivals(10_000, 20, seed=3)[-1] == pytest.approx(500, rel=0.05)
