"""Offsets are committed in the end, and never over those of who has read on since."""

import pytest
from kafka.errors import (
    CoordinatorLoadInProgressError,
    KafkaTimeoutError,
    NotCoordinatorError,
    RebalanceInProgressError,
)

from services.kit import worker as worker_module
from tests.unit.services.crew import HERE, Consumer, Crew, ids


@pytest.fixture(autouse=True)
def in_no_time(monkeypatch):
    monkeypatch.setattr(worker_module, "RETRY_SECONDS", 0.0)


@pytest.fixture
def crew():
    return Crew()


def at_polls(crew, *steps):
    """One of these in each poll; after them the crew may stop."""
    ahead, then = list(steps), crew.consumer.on_poll

    def on_poll():
        ahead.pop(0)() if ahead else then()

    crew.consumer.on_poll = on_poll


def nothing():
    pass


@pytest.fixture
def always_due(monkeypatch):
    monkeypatch.setattr(worker_module, "OFFSETS_EVERY_SECONDS", 0.0)


def test_offsets_are_committed_before_partitions_leave(crew):
    crew.consumer.put(HERE, 1)
    crew.worker._offsets_due = float("inf")
    at_polls(crew, nothing, crew.consumer.rebalance)
    crew.work()
    assert crew.consumer.committed == {HERE: 1}


def test_a_commit_that_fails_is_repeated_though_nothing_is_read_any_more(crew, always_due):
    seen = []
    crew.consumer.put(HERE, 1, 2)
    crew.consumer.refusals = [CoordinatorLoadInProgressError()]
    at_polls(crew, *[lambda: seen.append(dict(crew.consumer.committed))] * 3)
    crew.work()
    assert seen == [{}, {}, {HERE: 2}]


def test_what_could_not_be_committed_in_a_rebalance_is_committed_if_it_stays(crew, always_due):
    seen = []
    crew.consumer.put(HERE, 1)
    crew.consumer.refusals = [NotCoordinatorError(), RebalanceInProgressError()]
    at_polls(
        crew,
        nothing,
        lambda: crew.consumer.rebalance(HERE),
        lambda: seen.append(dict(crew.consumer.committed)),
    )
    crew.work()
    assert seen == [{HERE: 1}]


@pytest.mark.parametrize("leave", [Consumer.rebalance, Consumer.lose_all])
def test_what_was_not_committed_of_a_partition_that_left_never_is(crew, always_due, leave):
    crew.consumer.put(HERE, 1)
    crew.consumer.refusals = [NotCoordinatorError()] * 2
    at_polls(
        crew,
        nothing,
        lambda: leave(crew.consumer),
        lambda: crew.consumer.put(HERE, 2, 3),
        lambda: crew.consumer.others_read(HERE),
        lambda: crew.consumer.rebalance(HERE),
    )
    assert crew.work() == ids(1)
    assert crew.consumer.committed == {HERE: 3}


def test_a_batch_whose_partition_left_meanwhile_is_not_committed_over_another_replicas(crew):
    """The group rebalances twice while the database is away."""
    crew.away = 3
    crew.consumer.put(HERE, 1)
    at_polls(
        crew,
        nothing,
        crew.consumer.rebalance,
        lambda: (crew.consumer.put(HERE, 2, 3), crew.consumer.others_read(HERE)),
        lambda: crew.consumer.rebalance(HERE),
    )
    crew.work()
    assert crew.consumer.committed == {HERE: 3}


def test_what_cannot_be_committed_on_leaving_ends_nobody(crew, monkeypatch):
    def refuse(*_, **__):
        raise KafkaTimeoutError

    crew.worker._offsets_due = float("inf")
    crew.consumer.put(HERE, 1)
    monkeypatch.setattr(crew.consumer, "commit", refuse)
    crew.work()
    assert crew.worker.failure is None
    assert crew.consumer.closed
