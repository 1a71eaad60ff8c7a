"""The relay on a real database and a real broker: in order, all of it, and once."""

import os
import signal
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from uuid import uuid4

import psycopg
import pytest

from services.kit import relay
from services.kit.broker import make_producer
from services.kit.metrics import Metrics
from services.kit.postgres import PostgresDatabase
from services.kit.relay import Relay
from services.kit.settings import Settings
from services.kit.tracing import Tracing
from services.kit.workers import BEHIND_SECONDS
from tests.integration.broker import a_tape
from tests.integration.builders import a_record
from tests.integration.databases import value, with_schema
from tests.integration.service_process import paused
from tests.integration.waiting import eventually

SETTLED = "SELECT count(*) FROM inventory.outbox WHERE created_at < now() - interval '2.2 s'"
LEFT = "SELECT count(*) FROM inventory.outbox"
COUNT_ON = """
INSERT INTO facts (saga_id, heard) VALUES (%s, '1')
ON CONFLICT (saga_id) DO UPDATE SET heard = to_jsonb(facts.heard::int + 1)
RETURNING heard::int
"""


class Publisher:
    """One process's relay, with as many connections as it has threads."""

    def __init__(self, url, bootstrap, topic):
        settings = Settings(database_url=url, kafka=bootstrap, instance=f"test-{uuid4().hex}")
        metrics = Metrics("test")
        self.url, self.topic = url, topic
        self._producer = make_producer(settings)
        self._databases = []
        self.relay = Relay(self._producer, metrics, Tracing("test", "test-0", metrics))

    def connect(self):
        self._databases.append(database := PostgresDatabase(self.url, "inventory", "test"))
        return database

    def say(self, database, key):
        """The next record about this key, in a transaction like those of the services: whoever
        speaks of a key holds its lock, and publishes what an earlier one has left too."""
        with database.transaction() as session:
            number = session.connection.execute(COUNT_ON, (key,)).fetchone()[0]
            earlier = session.unsent([key])
            session.send([a_record(key, number, self.topic)])
        self.relay.publish([*earlier, *session.sent])

    def commit(self, database, *records):
        """Committed and not published: what a crash leaves."""
        with database.transaction() as session:
            session.send(records)
        return session.sent

    def drain(self, database):
        eventually(lambda: self._swept(database), "the outbox is empty")

    def _swept(self, database):
        self.relay.sweep(database)
        return value(self.url, LEFT) == 0

    def close(self):
        self.relay.flush(5.0)
        self._producer.close(timeout=1.0)
        for database in self._databases:
            database.close()


@pytest.fixture
def publisher(database_url, bootstrap, topic):
    with_schema(database_url, "inventory")
    with a_publisher(database_url, bootstrap, topic) as publisher:
        publisher.relay.sweep(publisher.connect())
        yield publisher


@contextmanager
def a_publisher(*places):
    """As after a start: it has not looked yet for what an earlier one may have left."""
    publisher = Publisher(*places)
    try:
        yield publisher
    finally:
        publisher.close()


@pytest.fixture
def database(publisher):
    return publisher.connect()


@pytest.fixture
def tape(bootstrap, topic):
    with a_tape(bootstrap, topic) as tape:
        yield tape


def keys(count):
    return [str(uuid4()) for _ in range(count)]


def numbers(tape, key):
    """What was said about a key, in the order in which a consumer reads it."""
    return [int(message_id.rpartition(":")[2]) for message_id in tape.ids(key)]


def speak(publisher, subjects, threads, times):
    """Concurrent transactions, each about one of a few keys."""

    def talk(offset):
        database = publisher.connect()
        for turn in range(times):
            publisher.say(database, subjects[(turn + offset) % len(subjects)])

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(talk, range(threads)))


def test_concurrent_transactions_about_a_key_are_published_in_the_order_of_their_commits(
    publisher, database, tape
):
    subjects = keys(3)
    speak(publisher, subjects, threads=6, times=50)
    publisher.drain(database)
    total = sum(len(numbers(tape, key)) for key in subjects)
    assert total == 300
    for key in subjects:
        assert numbers(tape, key) == list(range(1, 101))


def test_a_sweep_stops_before_the_oldest_transaction_in_flight(publisher, database):
    """What it will have written may have to go first."""
    slow, fast = publisher.connect(), publisher.connect()
    (key,) = keys(1)
    with slow.transaction() as session:
        session.connection.execute("SELECT pg_current_xact_id()")
        (one,) = publisher.commit(fast, a_record(key, 1, publisher.topic))
        session.send([a_record(key, 2, publisher.topic)])
        assert database.sweep(0.0, 100) == []
    expect_swept(database, [one, *session.sent])


def expect_swept(database, rows):
    """Once the server itself, which analyzes tables now and then, has nothing older in flight."""
    eventually(lambda: database.sweep(0.0, 100) == rows, "they are seen")


def test_a_reader_that_stays_in_its_transaction_holds_no_sweep_up(publisher, database):
    reader = publisher.connect()
    with reader.transaction() as session:
        session.connection.execute("SELECT count(*) FROM outbox")
        rows = publisher.commit(database, a_record(*keys(1), 1, publisher.topic))
        expect_swept(database, rows)


def test_what_a_crashed_publisher_left_is_found_and_published_in_order(
    publisher, database, tape, bootstrap
):
    (key,) = keys(1)
    records = [a_record(key, number, publisher.topic) for number in range(1, 31)]
    publisher.commit(database, *records)
    publisher.drain(database)
    assert numbers(tape, key) == list(range(1, 31))


def test_after_a_restart_nothing_overtakes_what_the_one_before_has_left(
    publisher, database, tape, bootstrap
):
    (key,) = keys(1)
    publisher.commit(database, a_record(key, 1, publisher.topic))
    with a_publisher(publisher.url, bootstrap, publisher.topic) as restarted:
        own = restarted.connect()
        restarted.relay.publish(restarted.commit(own, a_record(key, 2, publisher.topic)))
        restarted.relay.sweep(own)
        assert not restarted.relay.behind
        restarted.relay.publish(restarted.commit(own, a_record(key, 3, publisher.topic)))
        restarted.relay.flush(5.0)
        assert numbers(tape, key) == [1, 2, 3]


def test_what_is_only_just_committed_is_left_to_whoever_committed_it(
    publisher, database, tape, monkeypatch
):
    monkeypatch.setattr(relay, "SETTLED_SECONDS", 60.0)
    publisher.commit(database, a_record(*keys(1), 1, publisher.topic))
    publisher.relay.sweep(database)
    publisher.relay.flush(5.0)
    assert tape.ids() == []


def test_the_fast_path_and_the_sweep_together_publish_nothing_twice(
    publisher, database, tape, infra
):
    """With a broker that is slow to acknowledge, so that the sweep sees rows on their way."""
    subjects, over = keys(4), threading.Event()

    def sweep():
        while not over.wait(BEHIND_SECONDS / 2):
            publisher.relay.sweep(database)

    sweeper = threading.Thread(target=sweep)
    sweeper.start()
    for _ in range(2):
        with paused(infra.pid("kafka")):
            speak(publisher, subjects, threads=4, times=25)
            eventually(lambda: value(publisher.url, SETTLED) > 0, "rows on their way have settled")
        speak(publisher, subjects, threads=4, times=25)
    eventually(lambda: value(publisher.url, LEFT) == 0, "the outbox is empty")
    over.set()
    sweeper.join()
    said = Counter(tape.ids())
    assert len(said) == 400
    assert [one for one, times in said.items() if times > 1] == []


def test_acknowledged_rows_are_forgotten_even_if_the_database_was_away_just_then(
    publisher, database, tape
):
    (key,) = keys(1)
    publisher.say(publisher.connect(), key)
    publisher.relay.flush(5.0)
    cut_off(publisher, database)
    with pytest.raises(psycopg.OperationalError):
        publisher.relay.sweep(database)
    publisher.drain(database)
    assert numbers(tape, key) == [1]


def test_a_broker_that_was_away_gets_everything_in_order(publisher, database, tape, infra):
    """Killed, so that what it had not acknowledged is told again; as a restart takes longer than
    the relay's patience with a send, nothing may overtake what was put off."""
    subjects = keys(3)
    speak(publisher, subjects, threads=3, times=20)
    os.kill(infra.pid("kafka"), signal.SIGKILL)
    speak(publisher, subjects, threads=3, times=40)
    publisher.drain(database)
    for key in subjects:
        assert numbers(tape, key) == list(range(1, 61))


def cut_off(publisher, database):
    """The server ends this connection; its owner does not know it yet."""
    pid = database.connection().info.backend_pid
    publisher.connect().connection().execute("SELECT pg_terminate_backend(%s)", (pid,))
