"""The broker's own books, through Kafka's admin protocol: what was written, what was read."""

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from typing import Any, ParamSpec, Self, TypeVar

import msgspec
from kafka import TopicPartition
from kafka.admin import KafkaAdminClient, OffsetSpec
from kafka.errors import KafkaError

from lab.errors import NotReadyError
from lab.stack.options import TRACKER
from services.kit.message import Mode
from services.kit.remaining import carries

SUFFIXES = (".events", ".commands", ".dead-letter")
INTERNAL = "__consumer_offsets"
STABLE = "Stable"
PATIENCE_SECONDS = 15.0
PAUSE_SECONDS = 0.2
NO_OPTIONS: Mapping[str, Any] = {}

Offsets = Mapping[TopicPartition, int]
Given = ParamSpec("Given")
Answer = TypeVar("Answer")


class Written(msgspec.Struct, frozen=True):
    """What is on the broker since it began; two of them make a difference."""

    messages: int
    bytes: int
    commits: int

    def since(self, before: "Written") -> "Written":
        return Written(
            self.messages - before.messages,
            self.bytes - before.bytes,
            self.commits - before.commits,
        )


def answering(ask: Callable[Given, Answer]) -> Callable[Given, Answer]:
    """A broker that has just started, or moves a coordinator, says so and is asked again."""

    @wraps(ask)
    def patiently(*args: Given.args, **kwargs: Given.kwargs) -> Answer:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return ask(*args, **kwargs)
            except KafkaError as error:
                if not error.retriable or time.monotonic() > deadline:
                    reason = str(error) or type(error).__name__
                    raise NotReadyError(f"Kafka does not answer: {reason}") from error
            time.sleep(PAUSE_SECONDS)

    return patiently


class Broker:
    """Not thread-safe."""

    @answering
    def __init__(self, bootstrap: str, options: Mapping[str, Any] = NO_OPTIONS) -> None:
        logging.getLogger("kafka").setLevel(logging.CRITICAL)
        self._admin: Any = KafkaAdminClient(
            bootstrap_servers=bootstrap.split(","), client_id="bandstand-lab", **options
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._admin.close()

    @answering
    def ends(self, mode: Mode) -> dict[TopicPartition, int]:
        """Where each partition that carries this mode's messages ends now."""
        return self._ends(self._partitions(lambda topic: carries(topic, mode)))

    @answering
    def behind(self, ends: Offsets) -> int:
        """How many messages below `ends` somebody has subscribed to and not yet committed. A
        tracker only looks on: no saga waits for it, whether it is slow or was stopped."""
        listed = {group["group_id"] for group in self._admin.list_groups()}
        groups = sorted(listed - {TRACKER})
        committed = self._admin.list_group_offsets(groups) if groups else {}
        return sum(lag(ends, _offsets(found)) for found in committed.values())

    @answering
    def committed(self, group: str) -> dict[TopicPartition, int]:
        """How far a group has read, as far as it has said so."""
        return _offsets(self._admin.list_group_offsets([group]).get(group, {}))

    @answering
    def members(self, group: str) -> set[str]:
        """The replicas that a group has agreed upon; nobody while it has not."""
        found = self._admin.describe_groups([group])[group]
        settled = found["group_state"] == STABLE
        return {each["group_instance_id"] for each in found["members"]} if settled else set()

    @answering
    def written(self) -> Written:
        ours = self._partitions(is_ours)
        internal = self._partitions(lambda topic: topic == INTERNAL)
        return Written(
            messages=sum(self._ends(ours).values()),
            bytes=self._bytes({partition.topic for partition in ours}),
            commits=sum(self._ends(internal).values()),
        )

    def _partitions(self, wanted: Callable[[str], bool]) -> list[TopicPartition]:
        return [
            TopicPartition(topic["name"], partition["partition_index"])
            for topic in self._admin.describe_topics()
            if wanted(topic["name"])
            for partition in topic["partitions"]
        ]

    def _ends(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        specs = dict.fromkeys(partitions, OffsetSpec.LATEST)
        found = self._admin.list_partition_offsets(specs) if specs else {}
        return {partition: end.offset for partition, end in found.items()}

    def _bytes(self, topics: set[str]) -> int:
        return sum(
            partition["partition_size"]
            for broker in self._admin.describe_log_dirs()
            for folder in broker["log_dirs"]
            for topic in folder["topics"]
            if topic["name"] in topics
            for partition in topic["partitions"]
        )


def is_ours(topic: str) -> bool:
    return topic.endswith(SUFFIXES)


def lag(ends: Offsets, committed: Offsets) -> int:
    """A partition without a commit is one this group does not read, or has read nothing of."""
    return sum(
        max(0, end - committed[partition])
        for partition, end in ends.items()
        if partition in committed
    )


def _offsets(found: Mapping[TopicPartition, Any]) -> dict[TopicPartition, int]:
    return {partition: each.offset for partition, each in found.items() if each.offset >= 0}
