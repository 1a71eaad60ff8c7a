"""A quantile that too few samples would have to guess is not given."""

from hypothesis import given
from hypothesis import strategies as st

from lab.quantiles import NEEDED, measured, said

values = st.lists(st.floats(0, 1e6), max_size=300)


@given(values)
def test_each_quantile_is_there_exactly_when_enough_samples_are(samples):
    found = measured(samples)
    assert found.samples == len(samples)
    for percent, needed in NEEDED.items():
        assert (getattr(found, f"p{percent}") is not None) == (len(samples) >= needed)


@given(values.filter(lambda samples: len(samples) >= 100))
def test_quantiles_ascend_and_lie_within_the_samples(samples):
    found = measured(samples)
    low, high = min(samples) - 0.01, max(samples) + 0.01
    assert low <= found.p50 <= found.p95 <= found.p99 <= high


def test_figures_of_the_database_are_withheld_as_well():
    assert said(99, 1.0, 2.0, 3.0).p99 is None
    assert said(100, 1.0, 2.0, 3.0).p99 == 3.0


def test_nothing_is_said_about_nothing():
    assert said(0, None, None, None).p50 is None
