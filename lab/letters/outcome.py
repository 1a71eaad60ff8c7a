"""What a replay came to."""

import time
from collections.abc import Iterable, Mapping
from typing import Protocol

from kafka import TopicPartition

from lab.errors import NotReadyError
from lab.letters.office import Sent

PAUSE_SECONDS = 0.2


class Log(Protocol):
    def behind(self, ends: Mapping[TopicPartition, int]) -> int: ...


def await_read(log: Log, sent: Iterable[Sent], timeout: float) -> None:
    """Until everybody who listens has read the replays. What they could not handle is on the
    dead-letter topics again by then; what failed for the moment may still wait for another try."""
    ends: dict[TopicPartition, int] = {}
    for place, end in (each.end for each in sent):
        ends[place] = max(end, ends.get(place, 0))
    deadline = time.monotonic() + timeout
    while behind := log.behind(ends):
        if time.monotonic() > deadline:
            raise NotReadyError(f"sent, but not read in time: {behind} messages are still unread")
        time.sleep(PAUSE_SECONDS)
