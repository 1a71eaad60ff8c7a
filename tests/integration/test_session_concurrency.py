"""What a local transaction promises replicas that work at the same time, on the real database."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import psycopg
import pytest

from services.kit import connection
from services.kit.connection import AWAY
from services.kit.postgres import PostgresDatabase
from services.kit.session import Arrival, Fact, Parked
from tests.integration.builders import a_message, a_reservation, an_id
from tests.integration.databases import is_blocked, with_schema
from tests.integration.waiting import eventually


class Interrupted(Exception):
    """Ends a transaction from within."""


@pytest.fixture
def replica(database_url):
    """Makes connections, each of which stands for a replica of the service."""
    schema = with_schema(database_url, "inventory")
    made = []

    def connect():
        made.append(database := PostgresDatabase(database_url, schema, "test"))
        return database

    yield connect
    for database in made:
        database.close()


def received(database, *names):
    with database.transaction() as session:
        return session.receive([Arrival(name, "orchestration", 1) for name in names])


def freeze_over(database, name, until):
    """In the middle of a transaction, and goes on after that."""
    with database.transaction() as session:
        session.receive([Arrival(name, "orchestration", 1)])
        assert until()
        session.receive([Arrival("later", "orchestration", 1)])


def test_the_next_due_time_is_told_but_no_further_than_asked(replica):
    database = replica()
    assert database.seconds_to_next_due(700.0) == 700.0
    with database.transaction() as session:
        session.park([Parked(a_message(a_reservation()), 1, 300.0, "delayed")])
    assert 100.0 < database.seconds_to_next_due(700.0) <= 300.0


def test_of_two_replicas_with_the_same_message_one_acts(replica):
    """The second waits for the first to commit, then knows."""
    first, second = replica(), replica()
    with ThreadPoolExecutor() as pool:
        with first.transaction() as session:
            assert session.receive([Arrival("a", "orchestration", 1)]) == {"a"}
            late = pool.submit(received, second, "a", "b")
            eventually(lambda: is_blocked(first), "the second waits")
        assert late.result() == {"b"}


def test_who_freezes_in_a_transaction_loses_it_to_who_waits(replica, monkeypatch):
    """And is told so by an error that means: do your batch again."""
    first, second = replica(), replica()
    second.connection()
    monkeypatch.setattr(connection, "TRANSACTION_SECONDS", 1)
    with pytest.raises(AWAY):
        freeze_over(first, "a", until=lambda: received(second, "a") == {"a"})
    assert received(first, "a", "later") == {"later"}


def test_a_message_whose_first_receiver_rolled_back_goes_to_the_second(replica):
    first, second = replica(), replica()
    with ThreadPoolExecutor() as pool:
        with suppress(Interrupted), first.transaction() as session:
            session.receive([Arrival("a", "orchestration", 1)])
            late = pool.submit(received, second, "a")
            eventually(lambda: is_blocked(first), "the second waits")
            raise Interrupted
        assert late.result() == {"a"}


def test_of_two_replicas_that_hear_the_halves_of_a_join_at_once_the_later_sees_both(replica):
    saga = an_id()
    stock, payment = Fact("stock", 1), Fact("payment", 1)
    first, second = replica(), replica()

    def hear_payment():
        with second.transaction() as session:
            return session.merge_facts({saga: {"PaymentAuthorized": payment}})

    with ThreadPoolExecutor() as pool:
        with first.transaction() as session:
            merged = session.merge_facts({saga: {"StockReserved": stock}})
            assert merged == ({}, {saga: {"StockReserved": stock}})
            late = pool.submit(hear_payment)
            eventually(lambda: is_blocked(first), "the second waits")
        assert late.result().now == {saga: {"StockReserved": stock, "PaymentAuthorized": payment}}


def test_joins_heard_in_opposite_orders_by_many_replicas_never_lose_a_half(replica):
    sagas = [an_id() for _ in range(30)]
    start = threading.Barrier(4)

    def hear(kind, order):
        database, complete = replica(), []
        start.wait()
        for size in range(0, len(order), 5):
            heard = {saga: {kind: Fact(kind, 1)} for saga in order[size : size + 5]}
            with database.transaction() as session:
                merged = session.merge_facts(heard)
            complete += [saga for saga, facts in merged.now.items() if len(facts) == 4]
        return complete

    with ThreadPoolExecutor() as pool:
        orders = [sagas, sagas[::-1], sagas[7:] + sagas[:7], sagas[::-1][13:] + sagas[::-1][:13]]
        heard = pool.map(hear, "abcd", orders)
        assert sorted(saga for complete in heard for saga in complete) == sorted(sagas)


def test_a_connection_that_was_lost_is_made_anew(replica):
    database = replica()
    with pytest.raises(psycopg.OperationalError), database.transaction() as session:
        session.connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    assert received(database, "a") == {"a"}
