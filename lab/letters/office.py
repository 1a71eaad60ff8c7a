"""The dead-letter topics through Kafka's protocol: read to their ends, written with `acks=all`.

A replay is sent before it is recorded. Whoever dies in between leaves the letter open, and
replaying it once more is harmless: its reader has the receipt.
"""

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Self

import msgspec
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from lab.broker import NO_OPTIONS, answering
from lab.errors import NotReadyError
from lab.letters.letter import Found, Letter, fold
from services.kit.dead_letters import RESOLUTION, SUFFIX, Resolution, Resolved, replayed

PATIENCE_SECONDS = 30.0
POLL_MS = 200


class Sent(msgspec.Struct, frozen=True):
    """Where the replay of a letter is now, and who is to read it."""

    id: str
    reader: str
    topic: str
    partition: int
    offset: int

    @property
    def place(self) -> TopicPartition:
        return TopicPartition(self.topic, self.partition)


class Office:
    """Not thread-safe."""

    @answering
    def __init__(self, bootstrap: str, options: Mapping[str, Any] = NO_OPTIONS) -> None:
        logging.getLogger("kafka").setLevel(logging.CRITICAL)
        self._options = {**options, "bootstrap_servers": bootstrap.split(",")}
        self._producer: Any = KafkaProducer(
            **self._options,
            client_id="bandstand-lab",
            acks="all",
            max_block_ms=10_000,
            allow_auto_create_topics=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._producer.close()

    @answering
    def letters(self) -> list[Letter]:
        """All that were there when this was called, with what became of them."""
        consumer: Any = KafkaConsumer(
            **self._options,
            client_id="bandstand-lab",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
        )
        try:
            return fold(_everything(consumer))
        finally:
            consumer.close()

    @answering
    def replay(self, letters: Sequence[Letter]) -> list[Sent]:
        """The originals, back to where they came from: same key, headers and value."""
        sent = [self._send_original(letter) for letter in letters]
        places = [future.get(timeout=PATIENCE_SECONDS) for future in sent]
        self._resolve(letters, Resolved.REPLAYED)
        return [
            Sent(letter.id, letter.reader, place.topic, place.partition, place.offset)
            for letter, place in zip(letters, places, strict=True)
        ]

    @answering
    def discard(self, letters: Sequence[Letter], reason: str) -> None:
        self._resolve(letters, Resolved.DISCARDED, reason)

    def _send_original(self, letter: Letter) -> Any:
        record = letter.record
        return self._producer.send(
            letter.original.topic,
            key=record.key,
            value=record.value,
            headers=replayed(record.headers, letter.reader, letter.id),
        )

    def _resolve(
        self, letters: Sequence[Letter], resolved: Resolved, reason: str | None = None
    ) -> None:
        """In the letter's own partition, where a person who looks for it finds it below."""
        sent = [
            self._producer.send(
                letter.record.topic,
                key=letter.id.encode(),
                value=msgspec.json.encode(Resolution(letter.id, resolved, reason)),
                headers=[(RESOLUTION, resolved.encode())],
                partition=letter.record.partition,
            )
            for letter in letters
        ]
        for future in sent:
            future.get(timeout=PATIENCE_SECONDS)


def _everything(consumer: Any) -> Iterator[Found]:
    topics = [topic for topic in consumer.topics() if topic.endswith(SUFFIX)]
    partitions = [
        TopicPartition(topic, number)
        for topic in topics
        for number in consumer.partitions_for_topic(topic) or ()
    ]
    if not partitions:
        return
    consumer.assign(partitions)
    ends = consumer.end_offsets(partitions)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while any(consumer.position(each) < end for each, end in ends.items()):
        if time.monotonic() > deadline:
            raise NotReadyError("Kafka does not answer: the dead letters cannot be read")
        for records in consumer.poll(timeout_ms=POLL_MS).values():
            yield from map(_found, records)


def _found(record: Any) -> Found:
    return Found(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        at=datetime.fromtimestamp(record.timestamp / 1000, UTC),
        headers=[(name, value or b"") for name, value in record.headers],
        value=record.value or b"",
        key=record.key or b"",
    )
