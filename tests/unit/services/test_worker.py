"""The busy thread: what is done is committed, what is not done is read again."""

import pytest
from kafka.errors import GroupAuthorizationFailedError, KafkaConnectionError, NodeNotReadyError

from services.kit import worker as worker_module
from services.kit.wire import to_record
from services.kit.worker import Duty
from tests.simulator.database import away
from tests.unit.services.builders import a_message, an_order, order_id
from tests.unit.services.crew import HERE, THERE, Crew, ids


@pytest.fixture(autouse=True)
def in_no_time(monkeypatch):
    monkeypatch.setattr(worker_module, "RETRY_SECONDS", 0.0)


@pytest.fixture
def crew():
    return Crew()


def test_what_is_read_is_done_and_its_offsets_are_committed(crew):
    crew.consumer.put(HERE, 1, 2)
    assert crew.work() == ids(1, 2)
    assert crew.consumer.committed == {HERE: 2}
    assert crew.consumer.closed
    assert crew.worker.failure is None


def test_a_batch_is_kept_while_the_database_is_away(crew):
    crew.away = 3
    crew.consumer.put(HERE, 1)
    assert crew.work() == ids(1)
    assert crew.consumer.paused == set()


def test_a_broker_that_goes_away_ends_nobody_and_duties_are_minded_meanwhile():
    ran = []
    duty = Duty(lambda: ran.append(None) or 0.0)
    crew = Crew([duty])
    crew.consumer.put(HERE, 1)
    stop_when_idle = crew.consumer.on_poll
    refusals = [KafkaConnectionError("nobody"), NodeNotReadyError()]

    def refuse_first():
        if refusals:
            raise refusals.pop()
        stop_when_idle()

    crew.consumer.on_poll = refuse_first
    assert crew.work() == ids(1)
    assert crew.worker.failure is None
    assert len(ran) > 2


def test_who_waits_for_broker_and_database_gives_signs_of_life(crew, monkeypatch):
    worker, signs = crew.worker, []

    def look():
        signs.append(worker.last_sign)
        worker.last_sign = None

    def absent_first():
        look()
        if len(signs) < 3:
            raise KafkaConnectionError("nobody")
        return crew.consumer

    def refuse_first():
        look()
        if len(signs) < 6:
            raise KafkaConnectionError("nobody")
        stop_when_idle()

    stop_when_idle, crew.consumer.on_poll = crew.consumer.on_poll, refuse_first
    monkeypatch.setattr(worker, "_make_consumer", absent_first)
    crew.away = 3
    crew.consumer.put(HERE, 1)
    assert crew.work() == ids(1)
    assert len(signs) > 9
    assert None not in signs


def test_whoever_only_met_an_absent_broker_has_not_joined_yet(crew):
    def refuse():
        crew.worker.stop()
        raise KafkaConnectionError("nobody")

    crew.consumer.on_poll = refuse
    crew.work()
    assert not crew.worker.joined
    assert crew.worker.failure is None


def test_what_no_waiting_mends_ends_the_worker(crew):
    def refuse():
        raise GroupAuthorizationFailedError

    crew.consumer.on_poll = refuse
    crew.work()
    assert isinstance(crew.worker.failure, GroupAuthorizationFailedError)


def test_a_partition_that_comes_while_the_database_is_away_is_not_skipped(crew):
    crew.away = 2
    crew.consumer.put(HERE, 1)
    crew.consumer.put(THERE, 2)
    stop_when_idle = crew.consumer.on_poll

    def come_with_a_rebalance():
        if crew.consumer.paused:
            crew.consumer.mine = [HERE, THERE]
        stop_when_idle()

    crew.consumer.on_poll = come_with_a_rebalance
    assert sorted(crew.work()) == ids(1, 2)
    assert crew.consumer.committed == {HERE: 1, THERE: 1}


def test_offsets_of_what_is_not_done_are_not_committed(crew):
    crew.away = 10_000
    crew.consumer.put(HERE, 1)
    polls = iter(range(5))
    crew.consumer.on_poll = lambda: next(polls, None) is None and crew.worker.stop()
    crew.work()
    assert crew.done == []
    assert crew.consumer.committed == {}


def test_what_cannot_be_read_is_handed_over_with_its_place(crew):
    crew.consumer.put_raw(HERE, [("ce_id", None)], b"\xff", key=None)
    crew.consumer.put(HERE, 1)
    assert crew.work() == ids(1)
    ((record, reason),) = crew.unreadable
    assert record.message_id == f"{HERE.topic}-0-0"
    assert (record.key, record.value) == ("", b"\xff")
    assert reason


def replayed(for_whom, **changed):
    original = dict(to_record(a_message(an_order(order_id(7)))).headers)
    marker = {"bandstand-replay": f"{for_whom}/0123456789ab".encode()}
    return list({**original, **marker, **changed}.items())


@pytest.mark.parametrize("headers", [{}, {"ce_mode": b"karaoke"}], ids=["a message", "garbage"])
def test_a_replay_for_somebody_else_is_passed_over_and_its_offset_committed(crew, headers):
    crew.consumer.put_raw(HERE, replayed("payment", **headers))
    crew.consumer.put_raw(HERE, replayed("order@timeline", **headers))
    assert crew.work() == []
    assert crew.unreadable == []
    assert crew.consumer.committed == {HERE: 2}


def test_a_replay_for_this_reader_is_done(crew):
    crew.consumer.put_raw(HERE, replayed("order"), to_record(a_message()).value)
    assert crew.work() == ids(7)


def test_a_replay_that_still_cannot_be_read_has_the_id_of_what_it_replays(crew):
    """So that it is buried once more, however often it is replayed."""
    crew.consumer.put_raw(HERE, replayed("order", ce_mode=b"karaoke"))
    crew.work()
    ((record, _),) = crew.unreadable
    assert record.message_id == "order/0123456789ab"


def test_noise_is_passed_over_and_its_offset_committed(crew):
    noise = to_record(a_message(source="noise"))
    crew.consumer.put_raw(HERE, noise.headers, noise.value)
    assert crew.work() == []
    assert crew.consumer.committed == {HERE: 1}


def test_an_unexpected_error_ends_the_worker_and_is_kept(crew):
    crew.consumer.put(HERE, 1)
    crew.process = crew.worker._processor.process = lambda *_: 1 / 0
    crew.work()
    assert isinstance(crew.worker.failure, ZeroDivisionError)
    assert crew.consumer.closed
    assert crew.consumer.committed == {}


def test_duties_are_done_when_they_are_due_and_put_off_while_the_database_is_away():
    calls = []

    def duty():
        calls.append(1)
        if len(calls) == 1:
            raise away()
        return 1_000.0

    crew = Crew([Duty(duty)])
    crew.work()
    assert crew.worker.failure is None
    assert len(calls) == 2


def test_a_duty_can_be_hurried_but_not_delayed():
    duty = Duty(lambda: 1.0, due=float("inf"))
    duty.hurry(5.0)
    sooner = duty.due
    duty.hurry(50.0)
    assert duty.due == sooner
    duty.hurry(1.0)
    assert duty.due < sooner
