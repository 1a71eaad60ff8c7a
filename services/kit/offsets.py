"""How far a reader has come in each of its partitions, and how far the broker was told.

Drains and deadlines go by the committed offsets, so these have to get there even if a commit fails
and nothing is read any more. What is told again is always the newest, so that no commit undoes a
later one. A partition that leaves is forgotten, also by the batch that is being handled: when it
comes back, another replica may have come further.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from kafka.structs import TopicPartition


class Offsets:
    """Of each partition the one that is to be read next."""

    def __init__(self) -> None:
        self._taken: dict[TopicPartition, int] = {}
        self._done: dict[TopicPartition, int] = {}
        self._told: dict[TopicPartition, int] = {}

    def take(self, taken: Mapping[TopicPartition, int]) -> None:
        """What lies before these is going to be handled."""
        self._taken = dict(taken)

    def done(self) -> None:
        self._done |= self._taken
        self._taken = {}

    def tell(self) -> dict[TopicPartition, int]:
        """What the broker was not told yet; from now on it counts as told."""
        news = {
            place: offset for place, offset in self._done.items() if offset != self._told.get(place)
        }
        self._told |= news
        return news

    def failed(self, told: Mapping[TopicPartition, int]) -> None:
        """To be told again, unless something newer was told meanwhile."""
        for place, offset in told.items():
            if self._told.get(place) == offset:
                del self._told[place]

    def keep(self, assigned: Iterable[TopicPartition]) -> None:
        """A partition that stays is read on from where it was, and is told of as before."""
        self.forget({*self._taken, *self._done, *self._told}.difference(assigned))

    def forget(self, lost: Iterable[TopicPartition]) -> None:
        for place in lost:
            for known in (self._taken, self._done, self._told):
                known.pop(place, None)
