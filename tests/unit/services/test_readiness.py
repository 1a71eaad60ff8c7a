"""When a service is ready for its callers, and what it says of its surroundings."""

from contextlib import contextmanager
from types import SimpleNamespace

import psycopg
import pytest

from services.kit import readiness
from services.kit.readiness import STALLED_SECONDS, Readiness

NOW = 1_000.0


class Pool:
    answers = True

    @contextmanager
    def connection(self, timeout):
        if not self.answers:
            raise psycopg.OperationalError
        yield SimpleNamespace(execute=lambda _: None)


def a_worker(joined=True, failure=None, last_poll=NOW):
    return SimpleNamespace(joined=joined, failure=failure, last_poll=last_poll)


@pytest.fixture(autouse=True)
def _clock(monkeypatch):
    monkeypatch.setattr(readiness.time, "monotonic", lambda: NOW)


def asked(worker, *, migrated=True, database=True, broker=True):
    pool = Pool()
    pool.answers = database
    found = Readiness(lambda: migrated, pool, lambda: broker)
    found.worker = worker
    return found()


def test_all_is_well():
    assert asked(a_worker()) == (True, {"database": "ok", "broker": "ok"})


def test_a_broker_that_went_away_is_told_and_nobody_is_sent_away():
    answers = {"database": "ok", "broker": "does not answer"}
    assert asked(a_worker(), broker=False) == (True, answers)


def test_whoever_never_reached_the_broker_may_be_one_that_cannot():
    answers = {"database": "ok", "broker": "does not answer yet"}
    assert asked(None) == (False, answers)


@pytest.mark.parametrize(
    ("worker", "said"),
    [
        (a_worker(joined=False), "not in the consumer group yet"),
        (a_worker(failure=ValueError("out of tune")), "the worker ended: out of tune"),
        (a_worker(last_poll=NOW - STALLED_SECONDS - 1), "the worker is stalled"),
    ],
)
def test_a_worker_in_trouble_is_no_help_to_anybody(worker, said):
    assert asked(worker) == (False, {"database": "ok", "broker": said})


@pytest.mark.parametrize(
    ("migrated", "said"), [(False, "does not answer yet"), (True, "does not answer")]
)
def test_without_its_database_a_service_can_do_nothing(migrated, said):
    standing = asked(a_worker(), migrated=migrated, database=False)
    assert standing == (False, {"database": said, "broker": "ok"})
