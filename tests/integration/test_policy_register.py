"""Who said to enforce what, and since when it is there: kept in PostgreSQL, read by the auditor."""

import time
from contextlib import nullcontext
from types import SimpleNamespace

import msgspec
import pytest
from psycopg.types.json import Jsonb

from services.kit.metrics import Metrics
from services.kit.postgres import PostgresDatabase
from services.order import policing
from services.order.policies import (
    MISSED_SECONDS,
    SILENT_SECONDS,
    Register,
    missed,
    points_behind,
)
from services.order.policing import AT_ONCE, AUDIT_EVERY_SECONDS, NEXT, NOBODY, Policing
from services.policy.histories import VERSIONS, WORDS, VersionRow, WordRow, eras
from services.policy.reader import Acknowledgement
from tests.integration.builders import an_id
from tests.integration.databases import with_schema

DENIAL = [{"name": "no", "guards": "AuthorizePayment", "effect": "deny"}]
APPLIED = 1_000.0
ORDER = """
INSERT INTO orders (id, customer_id, items, total_cents, currency, card, ship_to, status, mode,
    epoch, placed_at, closed_at, deadline_at, request_hash)
SELECT id::uuid, 'c-1', '[{"sku": "drums", "quantity": 1}]', 100, 'EUR', 'tok-visa',
    '{"name": "Ella", "country": "DE", "city": "Berlin", "postcode": "10115"}', 'confirmed',
    'choreography', 1, to_timestamp(%(at)s), %(closed)s, now(), ''
FROM unnest(%(ids)s::text[]) AS id
"""
TOLD = """
INSERT INTO timeline (order_id, message_id, type, source, mode, epoch, at)
SELECT id::uuid, id || ':' || type, type, 'payment', 'choreography', 1, to_timestamp(%(at)s + after)
FROM unnest(%(ids)s::text[]) AS id,
    (VALUES ('StockReserved', 1), ('PaymentAuthorized', 2)) AS told (type, after)
"""


class Book:
    """The order service's schema, with rules that came at `APPLIED`."""

    def __init__(self, url):
        schema, self.url = with_schema(url, "order"), url
        self.database = PostgresDatabase(url, schema, "test")
        self.run = self.database.connection().execute
        self.register = Register(
            SimpleNamespace(connection=lambda: nullcontext(self.database.connection()))
        )
        for version, rules in enumerate((DENIAL, DENIAL), start=1):
            self.put(version, rules, APPLIED + 1_000 * (version - 1))

    def put(self, version, rules, at):
        statement = "INSERT INTO policy_versions VALUES (%s, %s, to_timestamp(%s))"
        self.run(statement, (version, Jsonb(rules), at))

    def hears(self, instance, version, at, leaving=False):
        said = Acknowledgement("payment", instance, version, at, leaving)
        self.register.hear("", msgspec.json.encode(said))

    def repeats(self, instance, version, since, until):
        """As a point does that is there."""
        for at in range(int(since), int(until), 10):
            self.hears(instance, version, float(at))

    def enforced(self, at, version=1):
        versions = [VersionRow(*row) for row in self.run(VERSIONS)]
        words = [WordRow(*row) for row in self.run(WORDS)]
        return eras(versions, words)[version - 1].is_enforced_by("payment", at)


@pytest.fixture
def book(database_url):
    made = Book(database_url)
    yield made
    made.database.close()


def test_points_that_had_nothing_to_say_were_there_all_the_same(book):
    """Without rules nobody repeats anything, so silence before a rule is no absence."""
    for instance in ("a", "b"):
        book.hears(instance, 0, 10.0)
    book.hears("a", 1, APPLIED + 1)
    book.hears("b", 1, APPLIED + 5)
    assert [book.enforced(APPLIED + after) for after in (2, 6)] == [False, True]


def test_a_replica_that_joins_later_leaves_what_was_reached_as_it_was(book):
    book.hears("a", 0, 10.0)
    book.repeats("a", 1, APPLIED + 1, APPLIED + 200)
    book.hears("late", 0, APPLIED + 100)
    book.hears("late", 1, APPLIED + 105)
    found = [book.enforced(APPLIED + after) for after in (50, 102, 106)]
    assert found == [True, False, True]


def test_who_was_silent_for_long_joins_anew_and_was_not_behind_meanwhile(book):
    book.hears("a", 0, 10.0)
    book.repeats("a", 1, APPLIED + 1, APPLIED + 1_200)
    book.hears("b", 0, 10.0)
    book.repeats("b", 1, APPLIED + 1, APPLIED + 990)
    book.hears("a", 2, APPLIED + 1_001)
    back = APPLIED + 1_000 + SILENT_SECONDS + 50
    book.hears("b", 1, back)
    book.hears("b", 2, back + 3)
    found = [book.enforced(at, version=2) for at in (back - 1, back + 1, back + 4)]
    assert found == [True, False, True]


def test_who_says_goodbye_is_gone_at_once_and_who_falls_silent_without_is_missed(book):
    now = book.run("SELECT extract(epoch FROM clock_timestamp())::float8").fetchone()[0]
    book.hears("here", 2, now - 1)
    book.hears("left", 1, now - 2)
    book.hears("left", 1, now - 1, leaving=True)
    book.hears("frozen", 1, now - SILENT_SECONDS - 1)
    book.hears("long gone", 1, now - MISSED_SECONDS - 1)
    assert points_behind(book.database.connection())[0] == 0
    told = [instance for _, instance, *_ in missed(book.database.connection())]
    assert told == ["frozen"]
    book.hears("frozen", 1, now)
    assert points_behind(book.database.connection())[0] == 1
    assert missed(book.database.connection()) == []


def test_who_comes_back_after_a_goodbye_has_joined_anew(book):
    book.hears("a", 0, 10.0)
    book.repeats("a", 1, APPLIED + 1, APPLIED + 200)
    book.hears("b", 0, 10.0)
    book.hears("b", 0, APPLIED - 20, leaving=True)
    book.hears("b", 0, APPLIED + 100)
    book.hears("b", 1, APPLIED + 105)
    found = [book.enforced(APPLIED + after) for after in (50, 102, 106)]
    assert found == [True, False, True]


def test_a_word_that_is_heard_again_changes_nothing(book):
    book.hears("a", 0, 10.0)
    book.repeats("a", 1, APPLIED + 1, APPLIED + 100)
    before = list(book.run("SELECT * FROM policy_points")), book.enforced(APPLIED + 50)
    book.hears("a", 0, 10.0)
    book.repeats("a", 1, APPLIED + 1, APPLIED + 100)
    assert (list(book.run("SELECT * FROM policy_points")), book.enforced(APPLIED + 50)) == before


def test_the_auditor_reads_what_has_just_closed_and_not_what_ever_was(book):
    values = {"ids": [an_id() for _ in range(20_000)], "at": APPLIED, "closed": None}
    book.run(ORDER, values)
    book.run("UPDATE orders SET closed_at = now() - make_interval(secs => 60)")
    book.run("VACUUM ANALYZE orders")
    after = book.run("SELECT (now() - make_interval(secs => 9))::text").fetchone()[0]
    page = {"after": after, "last": NOBODY, "settled": 5.0, "heard": time.time(), "limit": AT_ONCE}
    plan = "\n".join(line for (line,) in book.run(f"EXPLAIN {NEXT}", page))
    assert "orders_closed" in plan
    assert "Seq Scan on orders" not in plan


def test_the_auditor_finds_all_that_was_closed_in_one_moment_page_by_page(book, monkeypatch):
    monkeypatch.setattr(policing, "AT_ONCE", 4)
    metrics = Metrics("order")
    auditor = Policing(book.database, metrics, SimpleNamespace(until=lambda now: now + 60.0))
    assert auditor.audit() == AUDIT_EVERY_SECONDS
    book.hears("a", 0, 10.0)
    book.hears("a", 1, APPLIED + 1)
    values = {"ids": [an_id() for _ in range(10)], "at": APPLIED + 10}
    closed = book.run("SELECT now() + interval '1 second'").fetchone()[0]
    book.run(ORDER, {**values, "closed": closed})
    book.run(TOLD, values)
    monkeypatch.setattr(policing, "SETTLED_SECONDS", -60.0)
    assert [auditor.audit() for _ in range(3)] == [0.0, 0.0, AUDIT_EVERY_SECONDS]
    labels = {"mode": "choreography", "kind": "bypass"}
    found = metrics.registry.get_sample_value("bandstand_policy_violations_total", labels)
    assert found == len(values["ids"])
