"""What a local transaction promises, whoever keeps it: one suite for PostgreSQL and for memory."""

from contextlib import suppress

import pytest

from services.kit.postgres import PostgresDatabase
from services.kit.session import Arrival, Fact, Parked
from services.kit.wire import to_record
from tests.integration.builders import a_message, a_record, a_reservation, an_id
from tests.integration.databases import with_schema
from tests.integration.waiting import eventually
from tests.simulator.database import Clock, MemoryDatabase, Store


class Interrupted(Exception):
    """Ends a transaction from within."""


def in_postgres(request):
    url = request.getfixturevalue("database_url")
    database = PostgresDatabase(url, with_schema(url, "inventory"), "test")
    request.addfinalizer(database.close)
    return database, database


def in_memory(_request):
    store = Store(Clock(), None)
    return MemoryDatabase(store), store


@pytest.fixture(params=[in_postgres, in_memory], ids=["postgres", "memory"])
def both(request):
    """The transactions' database, and who knows what is due."""
    return request.param(request)


@pytest.fixture
def database(both):
    return both[0]


@pytest.fixture
def parking(both):
    return both[1]


def an_arrival(name="a:ReserveStock:1"):
    return Arrival(name, "orchestration", 1)


def parked(message, wait_seconds=0.0, tries=1):
    return Parked(message, tries, wait_seconds, "transient failure")


def received(database, *names):
    with database.transaction() as session:
        return session.receive([an_arrival(name) for name in names])


def test_the_inbox_knows_what_came_before(database):
    assert received(database, "a", "b") == {"a", "b"}
    assert received(database, "b", "c") == {"c"}


def test_the_inbox_counts_a_repetition_within_a_batch_once(database):
    assert received(database, "a", "a") == {"a"}


def test_a_rollback_forgets_everything(database):
    saga, message = an_id(), a_message(a_reservation())
    with suppress(Interrupted), database.transaction() as session:
        session.receive([an_arrival("a")])
        session.send([a_record(saga)])
        session.park([parked(message)])
        session.merge_facts({saga: {"StockReserved": Fact("{}", 1)}})
        raise Interrupted
    assert received(database, "a") == {"a"}
    with database.transaction() as session:
        assert session.unsent([saga]) == []
        assert session.facts([saga]) == {}
        assert session.unpark([message.id]) == set()


def test_facts_are_merged_and_the_later_word_on_one_stands(database):
    saga, other = an_id(), an_id()
    with database.transaction() as session:
        assert session.merge_facts({saga: {"StockReserved": Fact("first", 1)}}).before == {}
    with database.transaction() as session:
        merged = session.merge_facts(
            {saga: {"PaymentAuthorized": Fact("x", 1), "StockReserved": Fact("second", 2)}}
        )
    expected = {"StockReserved": Fact("second", 2), "PaymentAuthorized": Fact("x", 1)}
    assert merged.now == {saga: expected}
    assert merged.before == {saga: {"StockReserved": Fact("first", 1)}}
    with database.transaction() as session:
        assert session.facts([saga, other]) == {saga: expected}


def test_a_facts_text_survives_as_it_was(database):
    saga, text = an_id(), '{"reason": "l\'été \\u00e9 \\"\\\\ 𝄞"}'
    with database.transaction() as session:
        session.merge_facts({saga: {"StockRejected": Fact(text, 1)}})
    with database.transaction() as session:
        assert session.facts([saga])[saga]["StockRejected"].value == text


def test_the_outbox_keeps_the_order_of_what_was_sent(database):
    saga = an_id()
    records = [a_record(saga, number) for number in range(1, 50)]
    with database.transaction() as session:
        session.send(records[:10])
        session.send(records[10:20])
    first = session.sent
    with database.transaction() as session:
        session.send(records[20:])
    rows = [*first, *session.sent]
    assert [row.record for row in rows] == records
    assert sorted(row.id for row in rows) == [row.id for row in rows]
    with database.transaction() as session:
        assert session.unsent([saga]) == rows
    assert database.sweep(0.0, 5) == rows[:5]


def test_a_record_comes_out_of_the_outbox_as_it_went_in(database):
    record = to_record(a_message(a_reservation()), parent="00-1-2-01")
    with database.transaction() as session:
        session.send([record])
    with database.transaction() as session:
        assert [row.record for row in session.unsent([record.key])] == [record]


def test_unsent_tells_only_of_the_sagas_asked_for_and_nothing_once_forgotten(database):
    saga, other = an_id(), an_id()
    with database.transaction() as session:
        session.send([a_record(saga), a_record(other)])
    mine, _ = session.sent
    with database.transaction() as session:
        assert session.unsent([saga]) == [mine]
    database.forget([mine.id])
    with database.transaction() as session:
        assert session.unsent([saga]) == []
        assert len(session.unsent([other])) == 1


def test_a_parked_message_comes_back_when_it_is_due_and_goes_to_one_only(database, parking):
    soon, later = a_message(a_reservation()), a_message(a_reservation())
    with database.transaction() as session:
        session.park([parked(soon, tries=3), parked(later, wait_seconds=3_600)])
    assert eventually(lambda: parking.due(10)) == [(soon, 3)]
    with database.transaction() as session:
        assert session.unpark([soon.id]) == {soon.id}
    with database.transaction() as session:
        assert session.unpark([soon.id]) == set()
    assert parking.due(10) == []


def test_parking_again_counts_the_tries_on(database, parking):
    message = a_message(a_reservation())
    for tries in (1, 2):
        with database.transaction() as session:
            session.park([parked(message, tries=tries)])
    assert eventually(lambda: parking.due(10)) == [(message, 2)]
