"""A worker on a consumer that is made of memory."""

from collections import defaultdict
from types import SimpleNamespace

from kafka.structs import TopicPartition

from services.kit.wire import to_record
from services.kit.worker import Worker
from tests.simulator.database import away
from tests.simulator.services import metrics
from tests.unit.services.builders import a_message, an_order, order_id

HERE, THERE = TopicPartition("orders.choreography.events", 0), TopicPartition("t", 1)


class Consumer:
    """One member's view of the broker: its partitions, its positions, what it committed."""

    def __init__(self):
        self.logs = defaultdict(list)
        self.positions = defaultdict(int)
        self.mine, self.paused = [HERE], set()
        self.committed, self.refusals, self.closed = {}, [], False
        self.on_poll = lambda: None

    def subscribe(self, topics, listener):
        self.listener = listener

    def assignment(self):
        return set(self.mine)

    def poll(self, timeout_ms):
        self.on_poll()
        polled = {}
        for place in self.mine:
            records = self.logs[place][self.positions[place] :]
            if records and place not in self.paused:
                polled[place] = records
                self.positions[place] += len(records)
        return polled

    def highwater(self, place):
        return len(self.logs[place])

    def position(self, place, timeout_ms):
        return self.positions[place]

    def seek(self, place, offset):
        self.positions[place] = offset

    def pause(self, *places):
        self.paused |= set(places)

    def resume(self, *places):
        self.paused -= set(places)

    def commit(self, offsets, timeout_ms):
        self.committed |= {place: at.offset for place, at in offsets.items()}

    def commit_async(self, offsets, callback):
        if self.refusals:
            callback(offsets, self.refusals.pop(0))
            return
        self.commit(offsets, 0)
        callback(offsets, None)

    def rebalance(self, *assigned):
        """As the client does: all are revoked, and who stays keeps its position."""
        self.listener.on_partitions_revoked(set(self.mine))
        self._assign(assigned)

    def lose_all(self):
        self.listener.on_partitions_lost(set(self.mine))
        self._assign(())

    def _assign(self, assigned):
        for place in set(assigned) - set(self.mine):
            self.positions[place] = self.committed.get(place, 0)
        self.mine = list(assigned)
        self.listener.on_partitions_assigned(set(assigned))

    def others_read(self, place):
        """Another replica has it meanwhile."""
        self.committed[place] = len(self.logs[place])

    def close(self, autocommit, timeout_ms):
        self.closed = True

    def put(self, place, *numbers):
        for number in numbers:
            record = to_record(a_message(an_order(order_id(number))))
            self.put_raw(place, record.headers, record.value)

    def put_raw(self, place, headers, value=b"{}", key=b"k"):
        place_of = {"topic": place.topic, "partition": place.partition}
        self.logs[place].append(
            SimpleNamespace(
                **place_of, offset=len(self.logs[place]), headers=headers, value=value, key=key
            )
        )


class Core:
    """It is concerned by everything."""

    name, inbox = "order", ""

    def concerns(self, message):
        return message.source != "noise"


class Crew:
    """A worker on a consumer; `done` is what its processor did. It stops when nothing is left."""

    def __init__(self, duties=()):
        self.consumer, self.done, self.unreadable, self.away = Consumer(), [], [], 0
        self.worker = Worker(
            Core(),
            self,
            lambda: self.consumer,
            [HERE.topic, THERE.topic],
            duties,
            metrics("order"),
            frozenset(),
        )
        self.consumer.on_poll = self._stop_when_idle
        self.idle = 0

    def _stop_when_idle(self):
        consumer = self.consumer
        left = any(len(consumer.logs[p]) > consumer.positions[p] for p in consumer.mine)
        self.idle = 0 if left or self.away else self.idle + 1
        if self.idle > 1:
            self.worker.stop()

    def process(self, messages, unreadable=()):
        if self.away:
            self.away -= 1
            raise away()
        self.done += [message.saga_id for message in messages]
        self.unreadable += unreadable

    def work(self):
        self.worker.run()
        return self.done


def ids(*numbers):
    return [order_id(number) for number in numbers]
