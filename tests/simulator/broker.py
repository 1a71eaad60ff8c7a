"""Kafka in memory: partitioned logs, consumer groups with offsets, a producer with a queue."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any, NamedTuple
from zlib import crc32

from kafka.errors import KafkaTimeoutError
from kafka.future import Future

from services.kit.message import MalformedMessage, Message
from services.kit.wire import Headers, Record, from_record


class Place(NamedTuple):
    topic: str
    partition: int


@dataclass(frozen=True)
class Entry:
    """A record on the log, read once for all consumers: reading it is pure."""

    place: Place
    offset: int
    key: str
    headers: Headers
    value: bytes
    message: Message | None
    malformed: str = ""
    at: float = 0.0

    def raw(self) -> Record:
        name = f"{self.place.topic}-{self.place.partition}-{self.offset}"
        return Record(self.place.topic, self.key, name, "", self.headers, self.value)


@dataclass
class Group:
    """A consumer group: who owns which partition, and what was committed."""

    places: list[Place]
    owners: dict[Place, int] = field(default_factory=dict)
    committed: dict[Place, int] = field(default_factory=dict)

    def of(self, member: int) -> list[Place]:
        return [place for place in self.places if self.owners[place] == member]

    def commit(self, member: int, positions: dict[Place, int]) -> None:
        """Who lost a partition can no longer commit its offset."""
        for place, offset in positions.items():
            if self.owners[place] == member:
                self.committed[place] = offset


class MemoryBroker:
    """Order holds within a partition; a key always goes to the same one."""

    def __init__(self, partitions: int, clock: Callable[[], float] = lambda: 0.0) -> None:
        self.partitions, self._clock = partitions, clock
        self.logs: dict[Place, list[Entry]] = {}

    def places(self, topics: list[str]) -> list[Place]:
        return [Place(topic, number) for topic in topics for number in range(self.partitions)]

    def append(self, topic: str, key: str, value: bytes, headers: Headers) -> None:
        place = Place(topic, crc32(key.encode()) % self.partitions)
        log = self.logs.setdefault(place, [])
        try:
            message, malformed = from_record(topic, headers, value), ""
        except MalformedMessage as error:
            message, malformed = None, str(error)
        log.append(Entry(place, len(log), key, headers, value, message, malformed, self._clock()))

    def end(self, place: Place) -> int:
        return len(self.logs.get(place, ()))

    def entries(self) -> list[Entry]:
        return [entry for log in self.logs.values() for entry in log]


@dataclass
class Losses:
    """In percent: the queue is full; a record is lost; it is stored but not acknowledged."""

    full: float = 0.0
    lost: float = 0.0
    unacknowledged: float = 0.0


class MemoryProducer:
    """What is sent waits in its partition's queue until `deliver`; a crash loses the rest."""

    def __init__(self, broker: MemoryBroker, random: Random, losses: Losses) -> None:
        self.losses = losses
        self._broker = broker
        self._random = random
        self._queues: dict[tuple[str, str], deque[tuple[Future, tuple[Any, ...]]]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._queues.values())) if self._queues else 0

    def send(self, topic: str, value: bytes, key: bytes, headers: Headers) -> Future:
        if self._hits(self.losses.full):
            raise KafkaTimeoutError("the producer's buffer is full")
        future = Future()
        record = (topic, key.decode(), value, headers)
        self._queues.setdefault((topic, key.decode()), deque()).append((future, record))
        return future

    def flush(self, timeout: float) -> None:
        self.deliver(len(self))

    def deliver(self, most: int) -> int:
        """Bring up to `most` records of one queue after the other to the broker."""
        done = 0
        if not self._queues:
            return done
        for name in self._random.sample(list(self._queues), len(self._queues)):
            queue = self._queues[name]
            while queue and done < most:
                self._deliver_one(*self._next(queue))
                done += 1
            if not queue:
                self._queues.pop(name, None)
        return done

    def _next(self, queue: deque[tuple[Future, tuple[Any, ...]]]) -> tuple[Future, Any]:
        return queue.popleft()

    def crash(self) -> None:
        """Some of what was on its way arrives all the same; nobody hears of it."""
        for queue in self._queues.values():
            for _, record in list(queue)[: self._random.randint(0, len(queue))]:
                self._broker.append(*record)
        self._queues.clear()

    def _deliver_one(self, future: Future, record: tuple[Any, ...]) -> None:
        if self._hits(self.losses.lost):
            future.failure(KafkaTimeoutError("lost"))
            return
        self._broker.append(*record)
        if self._hits(self.losses.unacknowledged):
            future.failure(KafkaTimeoutError("not acknowledged in time"))
        else:
            future.success(None)

    def _hits(self, percent: float) -> bool:
        return percent > 0 and self._random.random() * 100 < percent
