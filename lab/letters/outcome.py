"""What a replay came to."""

import time
from collections.abc import Mapping, Sequence
from typing import Protocol

from kafka import TopicPartition

from lab.errors import NotReadyError
from lab.letters.office import Sent
from services.kit.dead_letters import group_of

PAUSE_SECONDS = 0.2


class Log(Protocol):
    """What of the broker is needed to know who has read what."""

    def committed(self, group: str) -> Mapping[TopicPartition, int]: ...


def await_read(log: Log, sent: Sequence[Sent], timeout: float) -> None:
    """Until each replay was read by its reader. What that could not handle is on the dead-letter
    topics again by then; what failed for the moment may still wait there for another try."""
    deadline = time.monotonic() + timeout
    while unread := _unread(log, sent):
        if time.monotonic() > deadline:
            ids = ", ".join(f"{each.id} by {each.reader}" for each in unread)
            raise NotReadyError(f"sent, but not read in time: {ids}")
        time.sleep(PAUSE_SECONDS)


def _unread(log: Log, sent: Sequence[Sent]) -> list[Sent]:
    """A group without an offset has never said that it has read anything."""
    read = {reader: log.committed(group_of(reader)) for reader in {each.reader for each in sent}}
    return [each for each in sent if read[each.reader].get(each.place, 0) <= each.offset]
