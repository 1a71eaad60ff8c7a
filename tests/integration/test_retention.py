"""Retention on a real database: old rows go in small batches, young and busy ones stay."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from services.kit.message import Mode
from services.kit.metrics import Metrics
from services.kit.postgres import PostgresDatabase
from services.kit.retention import Pruning, Retention, of_every_service
from services.kit.session import Arrival
from services.kit.settings import Settings
from services.policy.attach import ACCOUNTS
from tests.integration.broker import forget_everything
from tests.integration.builders import a_message, a_reservation, an_id
from tests.integration.databases import held, rows, value, with_schema
from tests.integration.traffic import send
from tests.integration.waiting import eventually

HOUR = 3_600.0
SETTINGS = Settings(database_url="", kafka="")
INBOX = Retention("inbox", "received_at", HOUR)
MANY = """
INSERT INTO orchestrator.inbox (message_id, mode, epoch, received_at)
SELECT 'm' || n, 'orchestration', 1, now() - make_interval(hours => %s, secs => n)
FROM generate_series(1, %s) AS n
"""
INBOX_LEFT = "SELECT message_id FROM orchestrator.inbox ORDER BY 1"


@pytest.fixture
def write(database_url):
    with_schema(database_url, "orchestrator")
    database = PostgresDatabase(database_url, "orchestrator", "test")
    yield lambda statement, *values: database.connection().execute(statement, values)
    database.close()


@pytest.fixture
def pruning(write, database_url):
    """A replica's pruning of a table."""
    databases = []

    def make(retention):
        databases.append(PostgresDatabase(database_url, "orchestrator", "test"))
        return Pruning(retention, databases[-1], Metrics("test"))

    yield make
    for database in databases:
        database.close()


def test_what_is_older_than_the_retention_goes_the_oldest_first(pruning, write, database_url):
    write(MANY, 2, 5)
    write("INSERT INTO inbox (message_id, mode, epoch) VALUES ('young', 'orchestration', 1)")
    inbox = pruning(INBOX)
    assert inbox.prune(limit=2) == 2
    left = [("m1",), ("m2",), ("m3",), ("young",)]
    assert rows(database_url, INBOX_LEFT) == left
    assert (inbox.prune(limit=10), inbox.prune(limit=10)) == (3, 0)
    assert rows(database_url, INBOX_LEFT) == [("young",)]


def test_a_row_that_somebody_works_with_is_left_for_later(pruning, write, database_url):
    write(MANY, 2, 3)
    busy = "SELECT FROM orchestrator.inbox WHERE message_id = 'm2' FOR UPDATE"
    with held(database_url, busy):
        assert pruning(INBOX).prune(limit=10) == 2
    assert rows(database_url, INBOX_LEFT) == [("m2",)]
    assert pruning(INBOX).prune(limit=10) == 1


def test_replicas_that_prune_at_once_delete_each_row_once(pruning, write, database_url):
    write(MANY, 2, 5_000)
    replicas = [pruning(INBOX) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        gone = sum(pool.map(lambda each: sum(each.prune(200) for _ in range(10)), replicas))
    assert gone + len(rows(database_url, INBOX_LEFT)) == 5_000
    assert gone > 2_000


RETENTIONS = [*of_every_service(SETTINGS), Retention("saga_log", "at", HOUR), ACCOUNTS]
ROWS = {
    "inbox": "(message_id, mode, epoch, received_at) VALUES (%s, '', 1, %s)",
    "facts": "(saga_id, heard, heard_at) VALUES (%s, '{}', %s)",
    "saga_log": "(order_id, turn, heard, entries, at) VALUES (%s, 1, '', '[]', %s)",
    "spent": "(rule, key, order_id, amount, at) VALUES ('a-rule', 'c-1', %s, 1, %s)",
}


@pytest.mark.parametrize("retention", RETENTIONS, ids=lambda each: each.table)
def test_each_table_is_pruned_by_its_own_clock_and_by_an_index(
    pruning, write, database_url, retention
):
    now = datetime.now(UTC)
    kept = timedelta(seconds=retention.seconds)
    for age in (kept * 2, kept * 1.1, kept * 0.9):
        write(f"INSERT INTO {retention.table} {ROWS[retention.table]}", an_id(), now - age)
    assert pruning(retention).prune(limit=10) == 2
    assert value(database_url, f"SELECT count(*) FROM orchestrator.{retention.table}") == 1
    write("SET enable_seqscan = off")
    oldest = f"EXPLAIN SELECT FROM {retention.table} ORDER BY {retention.since} LIMIT 1"
    assert "Index" in str(write(oldest).fetchall())


def test_a_late_repetition_is_recognised_inside_the_window_only(pruning, write, database_url):
    arrivals = [Arrival("m1", "orchestration", 1), Arrival("young", "orchestration", 1)]
    write(MANY, 2, 1)
    write("INSERT INTO inbox (message_id, mode, epoch) VALUES ('young', 'orchestration', 1)")
    pruning(INBOX).prune(limit=10)
    database = PostgresDatabase(database_url, "orchestrator", "test")
    with database.transaction() as session:
        assert session.receive(arrivals) == {"m1"}
    database.close()


def test_a_command_from_before_the_window_is_answered_again_and_not_done_again(
    make_service, bootstrap, database_url
):
    forget_everything(bootstrap)
    inventory = make_service("inventory", inbox_retention_seconds="0.5").start()
    command = a_message(a_reservation(), Mode.ORCHESTRATION)
    send(bootstrap, command)
    moves = "SELECT count(*) FROM inventory.moves"
    eventually(lambda: value(database_url, moves) == 1, "it is reserved")
    inventory.stop()
    inventory.start()
    known = "SELECT count(*) FROM inventory.inbox"
    eventually(lambda: value(database_url, known) == 0, "it is forgotten")
    pruned = "bandstand_rows_pruned_total"
    eventually(lambda: inventory.metric(pruned, table="inbox") == 1, "it is counted")
    send(bootstrap, command)
    eventually(
        lambda: inventory.metric("bandstand_messages_published_total") == 1, "it is answered"
    )
    assert value(database_url, moves) == 1
