"""The bound of the outbox: closed at the limit, open again when half of it is gone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kit.backlog import Backlog

LIMIT = 10


@pytest.fixture
def backlog():
    return Backlog(LIMIT)


def test_it_is_open_until_the_limit_is_counted(backlog):
    backlog.count(LIMIT - 1)
    assert not backlog.full
    backlog.count(LIMIT)
    assert backlog.full


def test_what_was_written_since_the_count_is_counted_in(backlog):
    backlog.count(4)
    backlog.wrote(5)
    assert not backlog.full
    backlog.wrote(1)
    assert backlog.full


def test_a_count_takes_the_place_of_what_was_written_before_it(backlog):
    for _ in range(3):
        backlog.wrote(LIMIT - 1)
        backlog.count(0)
    assert not backlog.full


def test_it_opens_again_only_when_half_is_gone(backlog):
    backlog.count(LIMIT)
    for unsent, full in ((9, True), (6, True), (5, False), (9, False), (10, True)):
        backlog.count(unsent)
        assert backlog.full is full


def test_a_limit_of_one_opens_when_nothing_is_left():
    backlog = Backlog(1)
    backlog.wrote(1)
    assert backlog.full
    backlog.count(0)
    assert not backlog.full


@given(st.integers(1, 50), st.lists(st.tuples(st.integers(0, 20), st.booleans()), max_size=60))
def test_who_writes_only_while_it_is_open_passes_the_limit_by_one_write_at_most(limit, turns):
    backlog, pending = Backlog(limit), 0
    for rows, publishes in turns:
        if publishes:
            pending = max(pending - rows, 0)
            backlog.count(pending)
        elif not backlog.full:
            pending += rows
            backlog.wrote(rows)
            assert pending < limit + rows or not rows
