"""The relay: nothing committed is lost, and what concerns one order keeps its order."""

from datetime import UTC, datetime
from random import Random

import msgspec
import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kit import relay
from services.kit.relay import MOST_IN_FLIGHT, SETTLED_SECONDS, SWEEP_LIMIT, Relay
from services.kit.session import OutboxRow
from services.kit.wire import Record, to_record
from tests.simulator.broker import Losses, MemoryBroker, MemoryProducer
from tests.simulator.database import Clock, MemoryDatabase, Store, away
from tests.simulator.services import metrics, tracing
from tests.unit.services.builders import a_message, a_record, a_row, order_id
from tests.unit.services.test_tracing import SAMPLED


def raise_away(_ids):
    raise away()


class Post:
    """An outbox, a relay and a broker; `losses` can be changed while it works."""

    def __init__(self, losses: Losses | None = None, seed: int = 1) -> None:
        self.losses = losses or Losses()
        self.broker = MemoryBroker(partitions=1)
        self.producer = MemoryProducer(self.broker, Random(seed), self.losses)
        self.relay = self._relay()
        self.clock = Clock()
        self.database = MemoryDatabase(Store(self.clock, None))
        self.sweep()

    def _relay(self) -> Relay:
        return Relay(self.producer, metrics("order"), tracing("order"))

    def commit(self, *keys: int) -> list[OutboxRow]:
        with self.database.transaction() as session:
            last = session.store.last_id
            records = [a_record(order_id(key), last + n) for n, key in enumerate(keys, 1)]
            session.send(records)
        return session.sent

    def deliver(self) -> None:
        self.producer.deliver(1_000)

    def restart(self) -> None:
        self.producer._queues.clear()
        self.relay = self._relay()

    def sweep(self) -> None:
        self.relay.sweep(self.database)

    def settle(self) -> None:
        for _ in range(20):
            self.clock.now += SETTLED_SECONDS
            self.sweep()
            self.deliver()
        self.sweep()

    def attempts(self, key: int = 1) -> list[int]:
        """What the broker has of an order, by the number that each record was sent under."""
        own = [e for e in self.broker.entries() if e.key == order_id(key)]
        return [entry.message.attempt for entry in own if entry.message]

    @property
    def unsent(self) -> int:
        return len(self.database.store.outbox)


@pytest.fixture
def post() -> Post:
    return Post()


def test_what_was_committed_is_published_without_asking_the_database(post):
    rows = post.commit(1, 1)
    post.database = None
    post.relay.publish(rows)
    post.deliver()
    assert post.attempts() == [1, 2]


def test_who_comes_to_publish_long_after_the_sweep_did_repeats_nothing(post):
    """A thread that had no turn between its commit and its publication."""
    rows = post.commit(1)
    post.settle()
    assert (post.attempts(), post.unsent) == ([1], 0)
    post.relay.publish(rows)
    post.deliver()
    assert post.attempts() == [1]


def test_of_what_is_forgotten_only_the_latest_is_known(post, monkeypatch):
    monkeypatch.setattr(relay, "MOST_FORGOTTEN", 2)
    for _ in range(4):
        post.commit(1)
        post.settle()
    assert list(post.relay._forgotten) == [3, 4]


def test_an_acknowledged_row_is_forgotten(post):
    post.relay.publish(post.commit(1))
    post.sweep()
    assert post.unsent == 1
    post.deliver()
    post.sweep()
    assert post.unsent == 0


def test_rows_that_could_not_be_forgotten_are_forgotten_later(post):
    post.relay.publish(post.commit(1))
    post.deliver()
    forget, post.database.forget = post.database.forget, raise_away
    with pytest.raises(psycopg.OperationalError):
        post.sweep()
    post.database.forget = forget
    post.settle()
    assert post.unsent == 0


def test_a_crash_between_commit_and_publish_publishes_once(post):
    post.commit(1, 1)
    post.restart()
    post.settle()
    assert post.attempts() == [1, 2]
    assert post.unsent == 0


def test_after_a_restart_nothing_overtakes_what_an_earlier_life_has_left(post):
    post.commit(1)
    post.restart()
    post.relay.publish(post.commit(1))
    post.deliver()
    assert post.attempts() == []
    post.sweep()
    post.relay.publish(post.commit(1))
    post.deliver()
    assert post.attempts() == [1, 2, 3]


def test_the_first_sweep_after_a_restart_opens_the_fast_lane(post):
    post.restart()
    assert post.relay.behind
    post.sweep()
    assert not post.relay.behind


def test_more_than_a_sweep_takes_is_caught_up_by_the_next_ones(post):
    post.commit(*[1] * (SWEEP_LIMIT + 1))
    post.restart()
    post.sweep()
    assert post.relay.behind
    post.deliver()
    post.sweep()
    assert not post.relay.behind
    post.deliver()
    assert post.attempts() == list(range(1, SWEEP_LIMIT + 2))


def test_a_young_row_is_left_to_the_process_that_committed_it(post):
    post.commit(1)
    post.clock.now += SETTLED_SECONDS / 2
    post.sweep()
    post.deliver()
    assert post.attempts() == []


def test_a_sweep_leaves_alone_what_is_on_its_way(post):
    post.relay.publish(post.commit(1))
    post.clock.now += SETTLED_SECONDS
    post.sweep()
    post.deliver()
    assert post.attempts() == [1]


def test_nothing_overtakes_a_record_that_the_producer_did_not_take(post):
    rows = post.commit(1, 1, 1)
    post.losses.full = 100
    post.relay.publish(rows[:1])
    post.losses.full = 0
    post.relay.publish(rows[1:])
    post.settle()
    assert post.attempts() == [1, 2, 3]


def test_a_duplicate_does_not_overtake_a_record_that_the_producer_did_not_take(post):
    first, second = post.commit(1, 1)
    post.losses.full = 100
    full_once = iter([100.0])
    send = post.producer.send

    def send_once_full(*args, **kwargs):
        post.losses.full = next(full_once, 0.0)
        return send(*args, **kwargs)

    post.producer.send = send_once_full
    post.relay.publish([first, second], twice=[second])
    post.settle()
    assert post.attempts() == [1, 2]


def test_a_failure_sends_everything_through_the_sweep_until_it_has_caught_up(post):
    post.losses.lost = 100
    post.relay.publish(post.commit(1))
    post.deliver()
    post.losses.lost = 0
    assert post.relay.behind
    post.relay.publish(post.commit(1))
    assert len(post.producer) == 0
    post.settle()
    assert post.attempts() == [1, 2]
    assert not post.relay.behind


def look_while_others_commit(post, *keys):
    """The next look of a sweep comes just too early for these."""
    look = post.database.sweep

    def look_too_early(older_than_seconds, limit):
        found = look(older_than_seconds, limit)
        post.database.sweep = look
        for key in keys:
            post.relay.publish(post.commit(key))
        return found

    post.database.sweep = look_too_early


def test_what_comes_while_a_sweep_catches_up_goes_with_it(post):
    post.restart()
    look_while_others_commit(post, 1, 1)
    post.sweep()
    assert not post.relay.behind
    post.relay.publish(post.commit(1))
    post.deliver()
    assert post.attempts() == [1, 2, 3]


def test_what_comes_after_a_look_that_found_too_much_goes_with_a_later_one(post):
    post.commit(*[2] * SWEEP_LIMIT)
    post.restart()
    look_while_others_commit(post, 1)
    post.sweep()
    assert post.relay.behind
    post.deliver()
    assert post.attempts() == []
    post.sweep()
    post.relay.publish(post.commit(1))
    post.deliver()
    assert post.attempts() == [SWEEP_LIMIT + 1, SWEEP_LIMIT + 2]


def test_more_than_can_be_remembered_during_a_sweep_keeps_it_to_the_slow_lane(post):
    post.restart()
    look_while_others_commit(post, *[1] * (SWEEP_LIMIT + 1))
    post.sweep()
    assert post.relay.behind
    for _ in range(3):
        post.sweep()
        post.deliver()
    assert not post.relay.behind
    assert post.attempts() == list(range(1, SWEEP_LIMIT + 2))


def test_a_record_that_is_not_taken_while_a_sweep_looks_is_not_overtaken(post):
    look = post.database.sweep

    def look_while_the_producer_is_full(older_than_seconds, limit):
        found = look(older_than_seconds, limit)
        post.losses.full = 100
        post.relay.publish(post.commit(1))
        post.losses.full = 0
        return found

    post.database.sweep = look_while_the_producer_is_full
    post.sweep()
    post.database.sweep = look
    post.relay.publish(post.commit(1))
    post.settle()
    assert post.attempts() == [1, 2]


def test_a_failure_during_a_sweep_keeps_it_to_the_slow_lane(post):
    post.relay.publish(post.commit(1))
    post.commit(2)
    post.clock.now += SETTLED_SECONDS
    send = post.producer.send

    def send_while_another_fails(*args, **kwargs):
        post.losses.lost = 100
        post.deliver()
        post.losses.lost = 0
        post.producer.send = send
        return send(*args, **kwargs)

    post.producer.send = send_while_another_fails
    post.sweep()
    assert post.relay.behind
    post.relay.publish(post.commit(1))
    post.settle()
    assert post.attempts() == [1, 3]


def test_a_fault_can_send_a_record_twice(post):
    rows = post.commit(1, 1)
    post.relay.publish(rows, twice=rows[:1])
    post.deliver()
    assert post.attempts() == [1, 2, 1]


def test_too_much_on_its_way_stops_the_fast_path(post):
    flood = [a_row(number) for number in range(MOST_IN_FLIGHT + 1)]
    post.relay.publish(flood)
    post.relay.publish(post.commit(1))
    assert post.relay.behind
    assert len(post.producer) == MOST_IN_FLIGHT + 1


@given(
    seed=st.integers(0, 2**32),
    full=st.sampled_from([0, 20, 60]),
    keys=st.lists(st.integers(1, 3), min_size=1, max_size=15),
)
def test_each_orders_records_keep_their_order_whatever_the_producer_refuses(seed, full, keys):
    post, random = Post(Losses(full=full), seed), Random(seed)
    for key in keys:
        post.relay.publish(post.commit(key))
        if random.random() < 0.3:
            post.clock.now += random.random() * SETTLED_SECONDS
            post.sweep()
        if random.random() < 0.3:
            post.deliver()
    post.losses.full = 0
    post.settle()
    for key in set(keys):
        firsts = list(dict.fromkeys(post.attempts(key)))
        assert firsts == sorted(firsts)
    assert sum(len(set(post.attempts(key))) for key in set(keys)) == len(keys)
    assert post.unsent == 0


@given(seed=st.integers(0, 2**32), keys=st.lists(st.integers(1, 3), min_size=1, max_size=15))
def test_nothing_is_lost_whatever_the_broker_loses(seed, keys):
    post, random = Post(Losses(full=20, lost=30, unacknowledged=30), seed), Random(seed)
    for key in keys:
        post.relay.publish(post.commit(key))
        post.deliver()
        if random.random() < 0.2:
            post.restart()
    post.losses.full = post.losses.lost = post.losses.unacknowledged = 0
    post.settle()
    assert sum(len(set(post.attempts(key))) for key in set(keys)) == len(keys)
    assert post.unsent == 0
    assert not post.relay.behind


class Heard:
    """A tracing that notes when sending began, by its own account."""

    def __init__(self):
        self.began = {}

    def sent(self, record, started):
        self.began[record.message_id] = started


def test_what_a_crash_has_left_was_sent_from_its_composing_on(post):
    """Perhaps it was sent before, and has been read since; a letter has no such time."""
    tracing = Heard()
    relay = Relay(post.producer, metrics("order"), tracing)
    message, later = (
        msgspec.structs.replace(a_message(attempt=attempt), time=f"{year}-01-01T00:00:00+00:00")
        for attempt, year in ((1, 2026), (2, 2126))
    )
    unreadable = Record("order.dead-letter", "", "topic-0-1", "", [], b"")
    records = (to_record(message, SAMPLED), to_record(later, SAMPLED), unreadable)
    relay._send([OutboxRow(number, record) for number, record in enumerate(records)])
    post.deliver()
    assert tracing.began[message.id] == datetime(2026, 1, 1, tzinfo=UTC).timestamp()
    now = pytest.approx(datetime.now(UTC).timestamp(), abs=60)
    assert tracing.began[later.id] == now
    assert tracing.began["topic-0-1"] == now


def test_what_had_to_wait_was_on_its_way_from_its_composing_on(post):
    """By when it is sent its cause may be over, and nothing is sent by what is over."""
    tracing = Heard()
    relay = Relay(post.producer, metrics("order"), tracing)
    message = msgspec.structs.replace(a_message(), time="2126-01-01T00:00:00+00:00")
    with post.database.transaction() as session:
        session.send([to_record(message, SAMPLED)])
    relay.publish(session.sent)
    relay.sweep(post.database)
    post.deliver()
    assert tracing.began[message.id] == datetime(2126, 1, 1, tzinfo=UTC).timestamp()
