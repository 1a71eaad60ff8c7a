"""Waits until a mode has nothing left to do, and proves it.

No open saga, no unsent and no parked message is not enough: a message of the old mode may still
be on its way to somebody who will answer it. So the ends of the mode's topics are noted, and waited
for until everybody has read so far; if they are still the ends then, nothing of the mode can be
under way any more.
"""

import time
from collections.abc import Callable, Mapping
from typing import Protocol

import msgspec
from kafka import TopicPartition

from lab.database import Database, query
from lab.errors import NotReadyError
from services.kit.message import Mode

LEFT = query(__file__, "left")
PAUSE_SECONDS = 0.2


class Left(msgspec.Struct, frozen=True):
    open: int
    unsent: int
    parked: int

    @property
    def nothing(self) -> bool:
        return not (self.open or self.unsent or self.parked)

    @property
    def text(self) -> str:
        words = {"open": self.open, "unsent": self.unsent, "waiting": self.parked}
        return ", ".join(f"{count} {word}" for word, count in words.items() if count)


class Log(Protocol):
    """What of the broker a drain needs."""

    def ends(self, mode: Mode) -> dict[TopicPartition, int]: ...

    def behind(self, ends: Mapping[TopicPartition, int]) -> int: ...


class Drain:
    def __init__(
        self, mode: Mode, database: Database, log: Log, say: Callable[[str], None]
    ) -> None:
        self._mode = mode
        self._database = database
        self._log = log
        self._say = say
        self._said = ""

    def wait(self, timeout: float) -> float:
        """Seconds until the mode was proven to be drained."""
        began = time.monotonic()
        deadline = began + timeout
        while not self._is_drained(deadline):
            pass
        return time.monotonic() - began

    def _is_drained(self, deadline: float) -> bool:
        self._until(deadline, self._left)
        ends = self._log.ends(self._mode)
        self._until(deadline, lambda: self._behind(ends))
        return self._left() == "" and self._log.ends(self._mode) == ends

    def _left(self) -> str:
        left = self._database.row(LEFT, Left, mode=self._mode)
        return "" if left.nothing else left.text

    def _behind(self, ends: Mapping[TopicPartition, int]) -> str:
        behind = self._log.behind(ends)
        return f"{behind} unread" if behind else ""

    def _until(self, deadline: float, waits_for: Callable[[], str]) -> None:
        while reason := waits_for():
            self._tell(reason)
            if time.monotonic() > deadline:
                raise NotReadyError(f"{self._mode} has not drained in time: {reason}")
            time.sleep(PAUSE_SECONDS)

    def _tell(self, reason: str) -> None:
        if reason != self._said:
            self._said = reason
            self._say(f"{self._mode}: {reason}")
