"""How far a reader is behind, told by the reader itself: nobody has to ask the broker for it.

Each fetch's answer carries the partition's end, also an empty one, and where the reader stands it
knows. So this costs no request. What it cannot tell: a reader that is gone says nothing, and one
whose database is away has paused its fetching and says what it knew before.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from kafka.errors import KafkaError

from services.kit.message import Mode
from services.kit.metrics import Metrics


class Lag:
    """By topic, summed over the partitions that this replica has."""

    def __init__(self, metrics: Metrics, group: str, topics: Sequence[str]) -> None:
        self._gauges = {
            topic: metrics.consumer_lag.labels(group, topic, mode_in(topic)) for topic in topics
        }

    def tell(self, consumer: Any) -> None:
        """Between two polls, when everything that was read has been handled. What has just been
        assigned is not known yet, and then nothing is said. Partitions come and go on the client's
        own thread, in the midst of this too."""
        behind = dict.fromkeys(self._gauges, 0)
        with suppress(KafkaError):
            ends = {each: consumer.highwater(each) for each in consumer.assignment()}
            if None in ends.values():
                return
            for partition, end in ends.items():
                position = consumer.position(partition, timeout_ms=0)
                behind[partition.topic] += max(end - (position or 0), 0)
            for topic, gauge in self._gauges.items():
                gauge.set(behind[topic])


def mode_in(topic: str) -> Mode:
    """Commands are sent in orchestration only."""
    return Mode.CHOREOGRAPHY if f".{Mode.CHOREOGRAPHY}." in topic else Mode.ORCHESTRATION
