"""A point's word about what it enforces: repeated, but only as long as there are rules."""

from contextlib import contextmanager
from types import SimpleNamespace

import msgspec
import psycopg
import pytest
from kafka.errors import TopicAuthorizationFailedError

from services.kit.metrics import Metrics
from services.policy import reader
from services.policy.reader import Acknowledgement, Adoption, TopicReader
from services.policy.rulebook import Rules
from services.policy.rules import RuleError, RuleSet, read_rules
from services.policy.steps import REPEAT_SECONDS

RULES = read_rules([{"name": "a-rule", "guards": "AuthorizePayment", "effect": "deny"}])
BAD = read_rules([{"name": "bad", "guards": "ReserveStock", "effect": "deny", "when": "order."}])


class Point:
    """One that adopts; `said` are its words as they were published, `now` is its clock."""

    def __init__(self, monkeypatch):
        self.said, self.now, self.mishaps = [], 1_000.0, []
        monkeypatch.setattr(reader, "transaction", self.transaction)
        monkeypatch.setattr(reader, "keep", lambda *_: None)
        monkeypatch.setattr(reader.time, "monotonic", lambda: self.now)
        self.rules = Rules()
        pool = SimpleNamespace(connection=lambda: self.transaction(None))
        settings = SimpleNamespace(instance="payment-0")
        self.adoption = Adoption(settings, "payment", self.rules, pool, self, Metrics("payment"))
        self.adoption._reader.is_reading = True

    @contextmanager
    def transaction(self, _):
        now = SimpleNamespace(fetchone=lambda: (self.now,))
        session = SimpleNamespace(sent=[], execute=lambda _: now)
        session.connection, session.send = session, session.sent.extend
        yield session
        if (mishap := self.mishaps.pop(0) if self.mishaps else None) is not None:
            raise mishap

    def publish(self, records):
        self.said += [msgspec.json.decode(each.value, type=Acknowledgement) for each in records]

    def hear(self, version, *rules):
        self.adoption.hear("rules", msgspec.json.encode(RuleSet(version, rules)))

    def wait(self, seconds=REPEAT_SECONDS):
        """Asked twice a second, it speaks when it is time."""
        for _ in range(int(seconds * 2)):
            self.now += 0.5
            self.adoption.repeat()

    @property
    def versions(self):
        return [each.version for each in self.said]


@pytest.fixture
def point(monkeypatch):
    return Point(monkeypatch)


def test_without_rules_nothing_is_repeated(point):
    point.wait(60)
    assert point.said == []


def test_with_rules_a_point_says_again_that_it_is_there(point):
    point.hear(1, *RULES)
    point.wait(2 * REPEAT_SECONDS)
    assert point.versions == [1, 1, 1]
    assert point.said[-1].at == pytest.approx(point.said[0].at + 2 * REPEAT_SECONDS)


def test_once_there_are_no_rules_any_more_it_is_quiet_again(point):
    point.hear(1, *RULES)
    point.hear(2)
    point.wait(60)
    assert point.versions == [1, 2]


def test_who_cannot_read_the_rules_says_that_it_is_there_and_by_which_ones_it_goes(point):
    """There may be newer ones, and silence would have it taken for gone."""
    point.adoption._reader.is_reading = False
    point.wait(2 * REPEAT_SECONDS)
    assert point.versions == [0, 0]


class Unreadable:
    """A consumer without a permit for its topic."""

    def __init__(self, polls):
        self.polls = polls

    def assign(self, _places): ...

    def seek_to_beginning(self, _place): ...

    def close(self): ...

    def poll(self, **_):
        if self.polls.pop(0):
            return {}
        raise TopicAuthorizationFailedError("policies")


def test_a_reader_that_cannot_read_still_tells_who_waits_for_it(monkeypatch):
    monkeypatch.setattr(reader, "RETRY_SECONDS", 0.0)
    polls, told = [True, False, False, True], []

    def meanwhile():
        told.append(reading.is_reading)
        if not polls:
            reading.stop()

    reading = TopicReader(SimpleNamespace(), "policies", lambda *_: None, meanwhile)
    reading._consumer = lambda: Unreadable(polls)
    reading.run()
    assert told == [True, False, False, True]


def test_who_leaves_says_so_last(point):
    point.hear(1, *RULES)
    point.adoption._reader = SimpleNamespace(until_done=lambda say: say(), run=lambda: None)
    point.adoption.run()
    assert [(each.version, each.leaving) for each in point.said] == [
        (1, False),
        (1, False),
        (1, True),
    ]


def test_who_cannot_say_goodbye_leaves_all_the_same(point, monkeypatch):
    def away(_):
        raise psycopg.OperationalError("server closed the connection unexpectedly")

    point.adoption._reader = SimpleNamespace(
        until_done=lambda say: say(),
        run=lambda: monkeypatch.setattr(reader, "transaction", away),
    )
    point.adoption.run()
    assert [each.leaving for each in point.said] == [False]


def test_who_cannot_enforce_what_it_hears_says_that_it_is_there_and_behind(point):
    with pytest.raises(RuleError):
        point.hear(1, *BAD)
    point.wait()
    assert point.versions == [0]


def test_who_does_not_understand_what_it_hears_says_so_too(point):
    with pytest.raises(msgspec.MsgspecError):
        point.adoption.hear("rules", b'{"version": 1, "rules": [{"name": "of-a-later-release"}]}')
    point.wait()
    assert point.versions == [0]


def test_a_word_is_dated_after_the_point_enforces_what_it_speaks_of(point, monkeypatch):
    """Or an order that came in between would have been let through by who said to be enforcing."""
    did, take, now = [], point.rules.take, reader._now
    monkeypatch.setattr(point.rules, "take", lambda book: (did.append("enforced"), take(book)))
    monkeypatch.setattr(
        reader, "_now", lambda connection: (did.append("dated"), now(connection))[1]
    )
    point.hear(1, *RULES)
    assert did == ["enforced", "dated"]


def test_what_is_enforced_is_said_though_the_database_goes_away_in_between(point):
    """Each transaction is one on a connection: of the second, what was written is lost."""
    point.mishaps = [None, None, psycopg.OperationalError("gone")]
    with pytest.raises(psycopg.OperationalError):
        point.hear(1, *RULES)
    assert (point.rules.book.version, point.versions) == (1, [])
    point.hear(1, *RULES)
    point.hear(1, *RULES)
    assert point.versions == [1]
