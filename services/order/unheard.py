"""Whether the order service knows of every hold there is: before, it takes no order for lost.

A hold moves an order's deadline once the timeline has heard of it. While a partition of the holds'
topic has no reader, as after a kill, other replicas would let orders expire that are held.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Final

from kafka import TopicPartition
from kafka.admin import OffsetSpec
from kafka.errors import KafkaError

from services.kit.message import Mode, topic_of
from services.kit.probe import BrokerProbe
from services.messages import StepHeld

log = logging.getLogger(__name__)

HOLDS: Final = topic_of(StepHeld, Mode.CHOREOGRAPHY)


class Unheard:
    def __init__(self, probe: BrokerProbe, group: str) -> None:
        self._probe, self._group = probe, group

    def are_holds(self) -> bool:
        """Also as long as nobody can tell."""
        try:
            return self._probe.ask(self._ask)
        except (KafkaError, OSError) as error:
            log.info("nobody can tell whether there are holds: %s", error)
            return True

    def _ask(self, admin: Any) -> bool:
        places = [
            TopicPartition(HOLDS, partition["partition_index"])
            for topic in admin.describe_topics([HOLDS])
            for partition in topic["partitions"]
        ]
        told = admin.list_group_offsets([self._group]).get(self._group, {})
        committed = {place: each.offset for place, each in told.items()}
        first, end = (
            _offsets(admin, places, at) for at in (OffsetSpec.EARLIEST, OffsetSpec.LATEST)
        )
        return any_unread(first, end, committed)


def any_unread(
    first: Mapping[Any, int], end: Mapping[Any, int], committed: Mapping[Any, int]
) -> bool:
    """Where nothing was ever committed, everything that is there is unread."""
    return any(end[place] > max(committed.get(place, -1), first[place]) for place in end)


def _offsets(admin: Any, places: list[TopicPartition], at: Any) -> dict[TopicPartition, int]:
    found = admin.list_partition_offsets(dict.fromkeys(places, at)) if places else {}
    return {place: each.offset for place, each in found.items()}
