"""Messages come twice, in another order, and such that nobody can read them."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from random import Random
from typing import Any

import msgspec
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from lab.chaos.faults.backstage import Backstage
from lab.chaos.faults.counting import DUPLICATES, LETTERS, counted, counted_by_all
from lab.chaos.faults.seen import Seen, Strike
from lab.chaos.watch import until
from lab.database import query
from lab.demo.stage import Stage
from lab.demo.storm import calm
from lab.errors import BandstandError
from services.kit.faults import Catalogue, Fault, Rule
from services.kit.message import Body, Epoch, Mode, SagaId, compose
from services.kit.wire import Headers, Record, to_record
from services.messages import ShipmentArranged, ShipStock

# Other messages of the same order overtake those that wait.
DISORDER = Catalogue(rules=(Rule(Fault.DUPLICATE_PUBLISH, 30), Rule(Fault.DELAY, 20, delay_ms=300)))
# What others hear, the band may tell for two causes: stock released, of an order that is cancelled
# and whose card is declined. An end is told for one.
HEARS_ONCE = "notification"
ROUNDS = 4
PAUSE_SECONDS = 1.5
SENT_AGAIN = 200
READS, READ_MS = 4, 250
NOBODYS = 999
PARTITION_KEYS = "abcdefgh"
HEARD_WITHIN_SECONDS = 10.0
CONFIRMED_ORDER = query(__file__, "confirmed_order")
CONFIRMED_WITHIN_SECONDS = 30.0


class _Order(msgspec.Struct):
    id: str
    epoch: int


_BODIES: Mapping[Mode, Callable[[SagaId], Body]] = {
    Mode.ORCHESTRATION: lambda order: ShipStock(order_id=order),
    Mode.CHOREOGRAPHY: lambda order: ShipmentArranged(order_id=order, tracking="BAND-0"),
}


@contextmanager
def disorder(backstage: Backstage, mode: Mode) -> Iterator[Strike]:
    """The services publish twice and handle late, and somebody sends the last records of every
    topic again, shuffled. Every message that the inbox of `HEARS_ONCE` knew already is a hit."""
    stage = backstage.stage
    url = stage.stack.services[HEARS_ONCE].url

    def strike() -> Seen:
        before = counted(url, DUPLICATES)
        sent = 0
        stage.set_faults(DISORDER)
        try:
            for number in range(ROUNDS):
                time.sleep(PAUSE_SECONDS)
                sent += _send_again(stage, mode, Random(number))
        finally:
            calm(stage)
        return Seen(counted(url, DUPLICATES) - before, {"sent_again": sent})

    yield strike


@contextmanager
def poison(backstage: Backstage, mode: Mode) -> Iterator[Strike]:
    """On every topic of the mode, between good messages. Every dead letter is a hit."""
    stage = backstage.stage

    def strike() -> Seen:
        before = counted_by_all(stage, LETTERS)
        sent = 0
        for _ in range(ROUNDS):
            sent += _send_poison(stage, mode)
            time.sleep(PAUSE_SECONDS)
        until(lambda: counted_by_all(stage, LETTERS) - before >= sent, HEARD_WITHIN_SECONDS, 0.5)
        return Seen(counted_by_all(stage, LETTERS) - before, {"sent": sent})

    yield strike


def _send_again(stage: Stage, mode: Mode, random: Random) -> int:
    with closing(_consumer(stage)) as consumer, closing(_producer(stage)) as producer:
        records = _last_records(consumer, list(stage.broker.ends(mode)))
        random.shuffle(records)
        for each in records:
            producer.send(each.topic, each.value, key=each.key, headers=list(each.headers))
        producer.flush()
    return len(records)


def _last_records(consumer: Any, partitions: Sequence[TopicPartition]) -> list[Any]:
    consumer.assign(partitions)
    ends = consumer.end_offsets(partitions)
    share = max(1, SENT_AGAIN // len(partitions))
    for partition, end in ends.items():
        consumer.seek(partition, max(0, end - share))
    polls = [consumer.poll(timeout_ms=READ_MS) for _ in range(READS)]
    return [record for polled in polls for records in polled.values() for record in records]


def _send_poison(stage: Stage, mode: Mode) -> int:
    """What has no headers, on every partition; and one whose body is cut off."""
    topics = sorted({each.topic for each in stage.broker.ends(mode)})
    garbage: Headers = [("ce_id", b"\xff")]
    with closing(_producer(stage)) as producer:
        for topic in topics:
            for key in PARTITION_KEYS:
                producer.send(topic, b"\xff", key=key.encode(), headers=garbage)
        cut = _cut_off(stage, mode)
        producer.send(cut.topic, cut.value, key=cut.key.encode(), headers=cut.headers)
        producer.flush()
    return len(topics) * len(PARTITION_KEYS) + 1


def _cut_off(stage: Stage, mode: Mode) -> Record:
    """Of an order that is there, or it would be a message of a saga that nobody admitted. Its
    attempt is one that nobody makes, so that it takes no other message's place."""
    if not until(lambda: bool(_confirmed(stage, mode)), CONFIRMED_WITHIN_SECONDS):
        raise BandstandError(f"no order is confirmed by {mode} that poison could be about")
    (order,) = _confirmed(stage, mode)
    body = _BODIES[mode](SagaId(order.id))
    whole = compose(body, source="chaos", mode=mode, epoch=Epoch(order.epoch), attempt=NOBODYS)
    return to_record(msgspec.structs.replace(whole, value=whole.value[:-1]))


def _confirmed(stage: Stage, mode: Mode) -> list[_Order]:
    return stage.database.rows(CONFIRMED_ORDER, _Order, mode=mode)


def _producer(stage: Stage) -> Any:
    return KafkaProducer(bootstrap_servers=stage.stack.kafka.bootstrap.split(","), acks="all")


def _consumer(stage: Stage) -> Any:
    """In no group."""
    return KafkaConsumer(
        bootstrap_servers=stage.stack.kafka.bootstrap.split(","), enable_auto_commit=False
    )
