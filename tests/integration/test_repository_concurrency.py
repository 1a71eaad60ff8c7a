"""Two replicas that are given the same order at once, in every service: one writes, the other is
told so by its key, and the next time it sees what the first one did."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import msgspec
import psycopg
import pytest

from services.inventory import handlers as inventory
from services.inventory.service import fill_shelves
from services.inventory.store import StockRepository
from services.kit.faults import Faults
from services.kit.message import Mode
from services.kit.postgres import PostgresDatabase
from services.kit.settings import Settings
from services.messages import ArrangeShipment, NotifyCustomer, vocabulary
from services.notification import handlers as notification
from services.notification.store import NotificationRepository
from services.orchestrator.engine import Orchestrator
from services.orchestrator.order_saga import ORDER
from services.orchestrator.store import PostgresSagas
from services.payment import handlers as payment
from services.payment.model import CardAnswer
from services.payment.store import PaymentRepository
from services.policy.bench import Bench, claims
from services.policy.rulebook import EXAMPLE, compile_rules
from services.policy.rules import RuleSet, read_rules
from services.policy.ruling import Case, Verdict
from services.policy.steps import PLACED
from services.policy.store import PostgresPolicyTables
from services.shipping import handlers as shipping
from services.shipping.model import CarrierAnswer
from services.shipping.store import ShipmentRepository
from tests.integration.builders import (
    BERLIN,
    a_message,
    a_placed_order,
    a_reservation,
    an_authorization,
    an_id,
)
from tests.integration.databases import is_blocked, value, with_schema
from tests.integration.waiting import eventually


@dataclass(frozen=True)
class Act:
    """A handler, a command for it, and the query that counts what it did."""

    repository: Any
    handler: Any
    command: Any
    answer: Any
    count: str


ORDER_ID = an_id()
ACTS = {
    "inventory": Act(
        StockRepository(),
        inventory.reserve_stock,
        a_reservation(ORDER_ID),
        None,
        "SELECT count(*) FROM inventory.moves",
    ),
    "payment": Act(
        PaymentRepository(),
        payment.authorize_payment,
        an_authorization(ORDER_ID),
        CardAnswer(),
        "SELECT count(*) FROM payment.ledger",
    ),
    "shipping": Act(
        ShipmentRepository(),
        shipping.arrange_shipment,
        ArrangeShipment(order_id=ORDER_ID, ship_to=BERLIN),
        CarrierAnswer("BAND-1"),
        "SELECT count(*) FROM shipping.bookings",
    ),
    "notification": Act(
        NotificationRepository(),
        notification.notify_customer,
        NotifyCustomer(order_id=ORDER_ID, customer_id="c-1", outcome="confirmed"),
        None,
        "SELECT count(*) FROM notification.notifications",
    ),
}


@pytest.fixture
def replicas(database_url):
    made = []

    def two_of(service):
        schema = with_schema(database_url, service)
        made.extend(PostgresDatabase(database_url, schema, "test") for _ in range(2))
        if service == "inventory":
            settings = Settings(database_url=database_url, kafka="")
            fill_shelves(settings, made[0].connection())
        return made

    yield two_of
    for database in made:
        database.close()


class Late:
    """A replica that decides on the same state as another one, and commits after it."""

    def __init__(self, database, work):
        self._database, self._work = database, work
        self._may_commit = threading.Event()
        self.has_decided = threading.Event()

    def run(self):
        with self._database.transaction() as session:
            self._work(session)
            self.has_decided.set()
            self._may_commit.wait()

    def commit(self):
        self._may_commit.set()


def side_by_side(first, second, work):
    """Both decide; the first commits, and the second finds that it may not."""
    late = Late(second, work)
    with ThreadPoolExecutor() as pool:
        with first.transaction() as session:
            done = work(session)
            refused = pool.submit(late.run)
            eventually(
                lambda: late.has_decided.is_set() or is_blocked(first), "the second is at it"
            )
        late.commit()
        with pytest.raises(psycopg.errors.UniqueViolation):
            refused.result()
    return done


@pytest.mark.parametrize("service", ACTS)
def test_of_two_replicas_with_the_same_order_one_acts_and_the_other_sees_it(
    replicas, database_url, service
):
    act = ACTS[service]
    first, second = replicas(service)
    event = side_by_side(first, second, lambda session: perform(act, session))
    assert perform_alone(act, second) == event
    assert value(database_url, act.count) == 1


def test_of_two_orchestrators_that_start_the_same_saga_one_acts_and_the_other_sees_it(replicas):
    conductor = Orchestrator({1: ORDER}, vocabulary(), PostgresSagas(), Faults(), 5.0)
    batch = [(a_message(a_placed_order(ORDER_ID)), 0)]
    first, second = replicas("orchestrator")

    def conduct(session):
        return conductor.execute(session, batch, None).outgoing

    sent = side_by_side(first, second, conduct)
    assert [out.message.type for out in sent] == ["ReserveStock", "AuthorizePayment"]
    with second.transaction() as session:
        assert conduct(session) == []


LIMITED = {
    "name": "most",
    "guards": "AuthorizePayment",
    "effect": "limit",
    "limit": {"atMost": 5, "windowSeconds": 60},
}
RULES = RuleSet(1, read_rules([LIMITED]))


def test_replicas_that_book_on_one_account_at_once_never_go_beyond_its_limit(database_url):
    """Each decides by what all before it have committed, because it waits for the account."""
    schema, book = with_schema(database_url, "payment"), compile_rules(RULES)

    def replica(_):
        database = PostgresDatabase(database_url, schema, "test")
        try:
            return [decide(database, book, an_id()) for _ in range(5)]
        finally:
            database.close()

    with ThreadPoolExecutor() as pool:
        verdicts = [verdict for each in pool.map(replica, range(4)) for verdict in each]
    assert verdicts.count(Verdict.ALLOWED) == 5
    assert value(database_url, "SELECT sum(amount) FROM payment.spent WHERE rule = 'most'") == 5


def decide(database, book, order_id):
    tables, order = PostgresPolicyTables(), msgspec.structs.replace(EXAMPLE, order_id=order_id)
    with database.transaction() as session:
        wanted = claims(book, [("AuthorizePayment", order)])
        bench = Bench(tables.open(session.connection, wanted))
        case = Case(order_id, Mode.CHOREOGRAPHY, "AuthorizePayment", order, frozenset({PLACED}))
        ruling = bench.decide(book, case)
        time.sleep(0.02)
        tables.close(session.connection, bench)
    return ruling.verdict


def perform(act, session):
    answers = {ORDER_ID: act.answer}
    state = act.repository.load(session.connection, [act.command], answers)
    event = act.handler(act.command, state)
    act.repository.save(session.connection, state)
    return event


def perform_alone(act, database):
    with database.transaction() as session:
        return perform(act, session)
