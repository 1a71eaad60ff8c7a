"""Where orders wait: whoever goes away meanwhile holds nobody up."""

import json
import threading
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from services.kit.backlog import Backlog
from services.order.admission import Admission, Application
from services.order.desk import AdmissionDesk
from tests.simulator.services import metrics, tracing
from tests.unit.services.builders import an_order, order_id

PATIENCE_SECONDS = 30


class Database:
    """It has room for every order; a transaction lasts until it is let go on."""

    waited = 0.0

    def __init__(self):
        self.began, self.go_on = threading.Semaphore(0), threading.Semaphore(0)
        self.orders = []

    @contextmanager
    def transaction(self):
        self.began.release()
        assert self.go_on.acquire(timeout=PATIENCE_SECONDS)
        yield SimpleNamespace(connection=self, send=lambda records: None, sent=[])

    def execute(self, query, parameters=()):
        if "INSERT" not in query:
            return SimpleNamespace(fetchone=lambda: ("choreography", 100, 1))
        rows = [(row["id"], 0.0) for row in json.loads(parameters[1])]
        self.orders += [each for each, _ in rows]
        return rows


@pytest.fixture
def database():
    return Database()


@pytest.fixture
def desk(database):
    told = metrics("order")
    publisher = SimpleNamespace(publish=lambda rows: None)
    desk = AdmissionDesk(database, publisher, Backlog(10), tracing("order"), told, 10.0)
    desk._open.set()
    return desk


@pytest.fixture
def at_work(desk, database):
    thread = threading.Thread(target=desk.run, daemon=True)
    thread.start()
    yield
    desk.stop()
    database.go_on.release(10)
    thread.join(PATIENCE_SECONDS)
    assert not thread.is_alive()


def an_application(number):
    return Application(an_order(order_id(number)), b"hash", None, None)


def test_who_has_gone_before_admission_has_no_order_and_the_others_theirs(desk, database):
    gone, stays = (desk.submit(an_application(number)) for number in (1, 2))
    gone.cancel()
    database.go_on.release(10)
    desk.stop()
    desk.run()
    assert stays.result(timeout=0).order_id == order_id(2)
    assert database.orders == [order_id(2)]


def test_if_all_have_gone_nothing_is_begun(desk, database):
    desk.submit(an_application(1)).cancel()
    desk.stop()
    desk.run()
    assert not database.began.acquire(blocking=False)


def test_who_goes_while_admitted_ends_nobodys_desk(desk, database, at_work):
    first = desk.submit(an_application(1))
    assert database.began.acquire(timeout=PATIENCE_SECONDS)
    first.cancel()
    second = desk.submit(an_application(2))
    database.go_on.release(10)
    assert second.result(PATIENCE_SECONDS).order_id == order_id(2)
    assert database.orders == [order_id(1), order_id(2)]


def test_a_problem_of_one_order_is_its_own(desk, database, monkeypatch):
    """Also then nobody is asked twice whether they still wait."""
    insert = Admission._insert

    def refuse_the_first(self, session, applications, route):
        if order_id(1) in [each.order_id for each in applications]:
            raise ZeroDivisionError
        return insert(self, session, applications, route)

    monkeypatch.setattr(Admission, "_insert", refuse_the_first)
    first, second = (desk.submit(an_application(number)) for number in (1, 2))
    database.go_on.release(10)
    desk.stop()
    desk.run()
    assert isinstance(first.exception(timeout=0), ZeroDivisionError)
    assert second.result(timeout=0).order_id == order_id(2)
