"""CPU time by process name, across restarts."""

import os

from hypothesis import given
from hypothesis import strategies as st

from lab.measure.processes import Spent, cpu_seconds


def test_a_restarted_process_goes_on_where_the_killed_one_was_last_seen():
    spent = Spent()
    spent.sample({("order", 1): 10.0, ("kafka", 2): 50.0})
    spent.sample({("order", 1): 12.0, ("kafka", 2): 51.0})
    spent.sample({("order", 3): 0.5, ("kafka", 2): 52.0})
    assert spent.by_name() == {"order": 2.5, "kafka": 2.0}


samples = st.lists(
    st.dictionaries(
        st.tuples(st.sampled_from(["order", "kafka"]), st.integers(1, 3)), st.floats(0, 100)
    ),
    min_size=1,
)


@given(samples)
def test_no_process_ever_gives_time_back(seen):
    spent, last = Spent(), {}
    for sample in seen:
        spent.sample(sample)
        now = spent.by_name()
        assert all(now[name] >= seconds for name, seconds in last.items())
        last = now


def test_a_living_process_has_spent_something_and_a_missing_one_is_left_out():
    found = cpu_seconds({"me": os.getpid(), "nobody": 2**22})
    assert found["me", os.getpid()] > 0
    assert len(found) == 1
