"""The real broker, as tests write to it and read from it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import MemberToRemove, NewTopic
from kafka.errors import KafkaError

from lab.broker import is_ours
from services.kit.broker import COMPACTED
from tests.integration.waiting import eventually

PARTITIONS = 4


@contextmanager
def administrator(bootstrap: str) -> Iterator[Any]:
    admin = eventually(lambda: _reached(bootstrap), "the broker answers")
    try:
        yield admin
    finally:
        admin.close()


def new_topic(bootstrap: str) -> str:
    name = f"test-{uuid4().hex}"
    with administrator(bootstrap) as admin:
        admin.create_topics([NewTopic(name, PARTITIONS, 1)])
        admin.wait_for_topics([name])
    return name


def forget_everything(bootstrap: str) -> None:
    """Topics go with their offsets, groups with the members that were killed, rules as well."""
    with administrator(bootstrap) as admin:
        if topics := services_topics(admin):
            admin.delete_topics(topics)
        for group in [found["group_id"] for found in admin.list_groups()]:
            if gone := [MemberToRemove(group_instance_id=one) for one in members(admin, group)]:
                admin.remove_group_members(group, gone)
            admin.delete_groups([group])
        eventually(lambda: not services_topics(admin))


def services_topics(admin: Any) -> list[str]:
    return [name for name in admin.list_topics() if is_ours(name) or name in COMPACTED]


def members(admin: Any, group: str) -> list[str]:
    """The instances that a group believes it has."""
    described = admin.describe_groups([group])[group]
    return sorted(member["group_instance_id"] for member in described["members"])


def a_producer(bootstrap: str) -> Any:
    """Keeps what it is given until the broker has it, in order and once."""
    return KafkaProducer(bootstrap_servers=bootstrap, acks="all", max_block_ms=30_000)


class Tape:
    """Everything that was ever written to a topic, in the order of each partition."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        self._records: list[Any] = []
        self._consumer: Any = KafkaConsumer(
            bootstrap_servers=bootstrap, enable_auto_commit=False, auto_offset_reset="earliest"
        )
        numbers = eventually(lambda: self._consumer.partitions_for_topic(topic), topic)
        self._partitions = [TopicPartition(topic, number) for number in numbers]
        self._consumer.assign(self._partitions)

    def records(self, *keys: str) -> list[Any]:
        """What is there by now; with keys, only theirs."""
        eventually(self._at_the_end, "the end of the tape")
        wanted = {key.encode() for key in keys}
        return [record for record in self._records if not keys or record.key in wanted]

    def ids(self, *keys: str) -> list[str]:
        """The ids of the messages, as often as they were written."""
        return [dict(record.headers)["ce_id"].decode() for record in self.records(*keys)]

    def close(self) -> None:
        self._consumer.close()

    def _at_the_end(self) -> bool:
        try:
            ends = self._consumer.end_offsets(self._partitions)
            polled = self._consumer.poll(timeout_ms=50)
            self._records.extend(record for found in polled.values() for record in found)
            return all(self._consumer.position(each) >= ends[each] for each in ends)
        except KafkaError:
            return False


@contextmanager
def a_tape(bootstrap: str, topic: str) -> Iterator[Tape]:
    tape = Tape(bootstrap, topic)
    try:
        yield tape
    finally:
        tape.close()


def _reached(bootstrap: str) -> Any:
    try:
        return KafkaAdminClient(bootstrap_servers=bootstrap, bootstrap_timeout_ms=5_000)
    except (KafkaError, OSError):
        return None
