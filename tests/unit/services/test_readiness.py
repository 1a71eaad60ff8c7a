"""When a service is ready for its callers, and what it says of its surroundings."""

from contextlib import contextmanager
from types import SimpleNamespace

import psycopg
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from services.kit import problems, readiness
from services.kit.api import Alive, common_routes
from services.kit.faults import Faults
from services.kit.readiness import HUNG_SECONDS, STALLED_SECONDS, Readiness
from tests.simulator.services import metrics

NOW = 1_000.0


class Pool:
    answers = True

    @contextmanager
    def connection(self, timeout):
        if not self.answers:
            raise psycopg.OperationalError
        yield SimpleNamespace(execute=lambda _: None)


def a_worker(joined=True, failure=None, last_poll=NOW, last_sign=NOW):
    return SimpleNamespace(joined=joined, failure=failure, last_poll=last_poll, last_sign=last_sign)


@pytest.fixture(autouse=True)
def _clock(monkeypatch):
    monkeypatch.setattr(readiness.time, "monotonic", lambda: NOW)


def asked(*workers, migrated=True, database=True, broker=True):
    pool = Pool()
    pool.answers = database
    found = Readiness(lambda: migrated, pool, lambda: broker)
    found.workers = workers
    return found()


def test_all_is_well():
    assert asked(a_worker()) == (True, {"database": "ok", "broker": "ok"})


def test_a_broker_that_went_away_is_told_and_nobody_is_sent_away():
    answers = {"database": "ok", "broker": "does not answer"}
    assert asked(a_worker(), broker=False) == (True, answers)


def test_whoever_never_reached_the_broker_may_be_one_that_cannot():
    answers = {"database": "ok", "broker": "does not answer yet"}
    assert asked() == (False, answers)


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


def test_a_listener_in_trouble_is_none_either():
    said = {"database": "ok", "broker": "the worker is stalled"}
    assert asked(a_worker(), a_worker(last_poll=NOW - STALLED_SECONDS - 1)) == (False, said)


@pytest.mark.parametrize(
    ("migrated", "said"), [(False, "does not answer yet"), (True, "does not answer")]
)
def test_without_its_database_a_service_can_do_nothing(migrated, said):
    standing = asked(a_worker(), migrated=migrated, database=False)
    assert standing == (False, {"database": said, "broker": "ok"})


def health(*workers):
    found = Readiness(lambda: True, Pool(), lambda: True)
    found.workers = workers
    alive = Alive(service="order", instance="order-0", incarnation=1)
    app = FastAPI()
    problems.install(app)
    app.include_router(common_routes(alive, found, metrics("order"), Faults(), Pool(), ""))
    return TestClient(app).get("/healthz").status_code


def test_who_waits_for_database_and_broker_is_alive():
    assert health() == 200
    assert health(a_worker(joined=False, last_poll=0.0)) == 200


def test_who_gives_no_sign_of_life_for_long_is_to_be_started_again():
    """A listener as well."""
    assert health(a_worker(), a_worker(last_sign=NOW - HUNG_SECONDS)) == 200
    assert health(a_worker(), a_worker(last_sign=NOW - HUNG_SECONDS - 1)) == 503
