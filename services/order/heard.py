"""Up to which moment the order service has heard all that there was to hear on some topics.

Two things must not be done before: an order that may be held is not taken for lost, and one of
which an event may still be unread is not audited. Events come all the time, so nobody waits until
nothing is unread, but until all is read that was there at a certain moment.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from kafka import TopicPartition
from kafka.admin import OffsetSpec
from kafka.errors import KafkaError

from services.kit.message import Mode, topic_of
from services.kit.probe import BrokerProbe
from services.messages import StepHeld

log = logging.getLogger(__name__)

HOLDS: Final = topic_of(StepHeld, Mode.CHOREOGRAPHY)

Offsets = Mapping[Any, int]


class Places(NamedTuple):
    """Where each partition begins and ends, and up to where it was committed as handled."""

    first: Offsets
    end: Offsets
    committed: Offsets

    def are_read(self, end: Offsets) -> bool:
        """Up to there; where nothing was ever committed, everything that is there is unread."""
        return all(
            offset <= max(self.committed.get(place, -1), self.first.get(place, 0))
            for place, offset in end.items()
        )


class Horizon:
    """`until` is the moment, in seconds since the epoch; None as long as nobody can tell."""

    def __init__(self) -> None:
        self.until: float | None = None
        self._waited_for: tuple[float, Offsets] | None = None

    def look(self, now: float, places: Places) -> None:
        """`now` is a moment before the places were asked for."""
        if places.are_read(places.end):
            self.until, self._waited_for = now, None
            return
        if self._waited_for is not None and places.are_read(self._waited_for[1]):
            self.until, self._waited_for = self._waited_for[0], None
        if self._waited_for is None:
            self._waited_for = now, places.end


class Heard:
    def __init__(self, probe: BrokerProbe, group: str, topics: Sequence[str]) -> None:
        self._probe, self._group, self._topics = probe, group, list(topics)
        self._horizon = Horizon()

    def until(self, now: float) -> float | None:
        """While the broker does not answer, what was so the last time."""
        try:
            self._horizon.look(now, self._probe.ask(self._ask))
        except (KafkaError, OSError) as error:
            log.info("nobody can tell what has been heard: %s", error)
        return self._horizon.until

    def _ask(self, admin: Any) -> Places:
        places = [
            TopicPartition(topic["name"], partition["partition_index"])
            for topic in admin.describe_topics(self._topics)
            for partition in topic["partitions"]
        ]
        told = admin.list_group_offsets([self._group]).get(self._group, {})
        committed = {place: each.offset for place, each in told.items()}
        first, end = (
            _offsets(admin, places, at) for at in (OffsetSpec.EARLIEST, OffsetSpec.LATEST)
        )
        return Places(first, end, committed)


def _offsets(admin: Any, places: list[TopicPartition], at: Any) -> dict[TopicPartition, int]:
    found = admin.list_partition_offsets(dict.fromkeys(places, at)) if places else {}
    return {place: each.offset for place, each in found.items()}
