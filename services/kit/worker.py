"""The one busy thread of a service: poll, process, commit offsets, mind the clock.

The database is the truth: offsets are committed once a second and before partitions leave, and the
inbox drops what is read twice. While the database is away the batch is kept, the partitions are
paused and the poll goes on, so that the group does not rebalance.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from kafka.errors import KafkaError, RetriableError
from kafka.structs import TopicPartition

from services.kit.batch import BatchProcessor, Core, reader_of
from services.kit.commits import Commits
from services.kit.connection import AWAY
from services.kit.crash_points import CrashPoints
from services.kit.dead_letters import as_read, group_of, is_for
from services.kit.lag import Lag
from services.kit.message import MalformedMessage, Message
from services.kit.metrics import Metrics
from services.kit.wire import Record, from_record, replay_in

log = logging.getLogger(__name__)

POLL_MS = 1_000
OFFSETS_EVERY_SECONDS = 1.0
RETRY_SECONDS = 0.5
# Who has read many records at once will soon find many again: a turn costs as much for one as for
# fifty. At low load nobody waits.
MANY, GATHER_SECONDS = 16, 0.04
SLACK = 0.25  # of its period, by which a duty may come early


@dataclass
class Duty:
    """Something to do now and then; it returns the seconds until it wants to be called again."""

    run: Callable[[], float]
    due: float = 0.0
    slack: float = 0.0

    def hurry(self, seconds: float) -> None:
        """Call it within these seconds, if it would be later otherwise."""
        self.due = min(self.due, time.monotonic() + seconds)

    def put_off(self, seconds: float) -> None:
        self.due = time.monotonic() + seconds
        self.slack = seconds * SLACK


@dataclass
class Read:
    """One poll's records, sorted into what can be read and what cannot."""

    messages: list[Message] = field(default_factory=list)
    unreadable: list[tuple[Record, str]] = field(default_factory=list)


class Worker:
    """Runs until `stop`; unexpected errors end it and are kept in `failure`.

    It gives a sign of life as often as it has a look at the broker, also where that or the database
    is away and it waits for them.
    """

    def __init__(
        self,
        core: Core,
        processor: BatchProcessor,
        consumer: Callable[[], Any],
        topics: Sequence[str],
        duties: Sequence[Duty],
        metrics: Metrics,
        known: frozenset[str],
        leave_group: Callable[[], None] = lambda: None,
        crash_points: CrashPoints | None = None,
    ) -> None:
        self._core = core
        self._reader = reader_of(core)
        self._processor = processor
        self._make_consumer = consumer
        self._topics = list(topics)
        self._lag = Lag(metrics, group_of(self._reader), self._topics)
        self._duties = list(duties)
        self._metrics = metrics
        self._known = known
        self._leave_group = leave_group
        self._points = crash_points or CrashPoints()
        self._stopping = threading.Event()
        self._commits: Commits
        self._offsets_due = 0.0
        self._consumer: Any = None
        self.last_poll = 0.0
        self.last_sign = time.monotonic()
        self.failure: BaseException | None = None

    @property
    def joined(self) -> bool:
        """Whether the group has let this member in; it may still own no partition."""
        return self._consumer is not None and self.last_poll > 0

    def stop(self) -> None:
        self._stopping.set()

    def run(self) -> None:
        try:
            self._consumer = self._joined()
            while not self._stopping.is_set():
                self._turn()
        except BaseException as error:
            self.failure = error
            log.exception("the worker ends")
        finally:
            self._leave()

    def _joined(self) -> Any:
        while True:
            self.last_sign = time.monotonic()
            try:
                consumer = self._make_consumer()
            except KafkaError as error:
                log.warning("the broker does not answer yet: %s", error)
                if self._stopping.wait(RETRY_SECONDS):
                    raise
                continue
            self._commits = Commits(consumer, self._points)
            consumer.subscribe(self._topics, listener=self._commits)
            return consumer

    def _turn(self) -> None:
        polled = self._poll(self._patience())
        if polled:
            self._commits.take(polled)
            read = self._read(record for records in polled.values() for record in records)
            if read.messages or read.unreadable:
                self._until_done(lambda: self._processor.process(read.messages, read.unreadable))
            self._commits.done(read.messages)
        self._mind_duties()
        if time.monotonic() >= self._offsets_due:
            self._offsets_due = time.monotonic() + OFFSETS_EVERY_SECONDS
            self._commits.later()
            self._lag.tell(self._consumer)
        if sum(map(len, polled.values())) >= MANY:
            self._stopping.wait(GATHER_SECONDS)

    def _poll(self, patience_ms: int) -> dict[TopicPartition, list[Any]]:
        """Nothing while the broker is away. The client waits for it in most places, but not in all:
        where it looks for the group's coordinator it lets through that nobody is there."""
        self.last_sign = time.monotonic()
        try:
            polled: dict[TopicPartition, list[Any]] = self._consumer.poll(timeout_ms=patience_ms)
        except RetriableError as error:
            log.warning("the broker does not answer: %s", error)
            self._stopping.wait(patience_ms / 1000)
            if not self.joined:
                return {}
            polled = {}
        self.last_poll = time.monotonic()
        return polled

    def _patience(self) -> int:
        now = time.monotonic()
        soonest = min((duty.due for duty in self._duties), default=now + 1)
        return max(1, min(POLL_MS, int((soonest - now) * 1000)))

    def _read(self, records: Iterable[Any]) -> Read:
        read = Read()
        ignored = 0
        for record in records:
            place = record.partition, record.offset
            try:
                message = from_record(record.topic, record.headers, record.value, place)
            except MalformedMessage as error:
                replay = replay_in(record.headers)
                if is_for(self._reader, replay):
                    read.unreadable.append((_raw(record, replay), str(error)))
                continue
            if not is_for(self._reader, message.replay):
                ignored += 1
            elif self._core.concerns(message):
                read.messages.append(message)
            elif message.type in self._known:
                ignored += 1
            else:
                self._metrics.unconcerned.labels("unknown type").inc()
        if ignored:
            self._metrics.unconcerned.labels("not concerned").inc(ignored)
        return read

    def _until_done(self, work: Callable[[], None]) -> None:
        """Do it, and while the database is away keep the batch and the group membership."""
        paused: list[TopicPartition] = []
        while True:
            try:
                work()
                break
            except AWAY as error:
                log.warning("the database does not answer: %s", str(error).strip())
            if self._stopping.is_set():
                raise InterruptedError("stopped while the database was away")
            assigned = list(self._consumer.assignment())
            self._consumer.pause(*assigned)
            paused = assigned
            self._rewind(self._poll(int(RETRY_SECONDS * 1000)))
        if paused:
            self._consumer.resume(*(set(paused) & set(self._consumer.assignment())))

    def _rewind(self, polled: dict[TopicPartition, list[Any]]) -> None:
        """A partition that came while the others are paused is read again later."""
        for partition, records in polled.items():
            self._consumer.seek(partition, records[0].offset)

    def _mind_duties(self) -> None:
        """With one that is due go those that nearly are: waking up is what costs, not the duty."""
        now = time.monotonic()
        if all(duty.due > now for duty in self._duties):
            return
        for duty in [each for each in self._duties if each.due - each.slack <= now]:
            try:
                duty.put_off(duty.run())
            except AWAY as error:
                log.warning("put off while the database is away: %s", str(error).strip())
                duty.put_off(RETRY_SECONDS)

    def _leave(self) -> None:
        if self._consumer is None:
            return
        try:
            self._commits.now()
            self._consumer.close(autocommit=False, timeout_ms=3_000)
            if self.failure is None:
                self._leave_group()
        except (KafkaError, AssertionError) as error:
            log.warning("leaving the group: %s", error)


def _raw(record: Any, replay: str | None) -> Record:
    """Its place on the topic is its id; that of a replay is what it replays."""
    key = (record.key or b"").decode("utf-8", "replace").replace("\x00", "")
    headers = [(str(name), bytes(value or b"")) for name, value in record.headers]
    place = f"{record.topic}-{record.partition}-{record.offset}"
    raw = Record(record.topic, key, replay or place, "", headers, record.value or b"")
    return as_read(raw, (record.partition, record.offset))
