"""Tells the broker how far its reader has come, once a second and before partitions leave."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kafka.consumer.subscription_state import ConsumerRebalanceListener
from kafka.errors import KafkaError
from kafka.structs import OffsetAndMetadata, TopicPartition

from services.kit.crash_points import CrashPoints, Point
from services.kit.message import Message
from services.kit.offsets import Offsets

log = logging.getLogger(__name__)


class Commits(ConsumerRebalanceListener):  # type: ignore[misc]
    """One consumer's. In each rebalance all its partitions are revoked first, and then those that
    stay are assigned again.

    Nothing here needs a lock. What became of a commit is told within a later call of the worker's
    own; what becomes of partitions on the client's thread, while the worker waits in a poll.
    """

    def __init__(self, consumer: Any, points: CrashPoints) -> None:
        self._consumer = consumer
        self._points = points
        self._offsets = Offsets()
        self._handled: list[Message] = []

    def take(self, polled: Mapping[TopicPartition, Sequence[Any]]) -> None:
        """These records are going to be handled."""
        self._offsets.take({place: records[-1].offset + 1 for place, records in polled.items()})

    def done(self, messages: Sequence[Message]) -> None:
        if self._points.armed:
            self._handled += messages
        self._offsets.done()

    def later(self) -> None:
        self._keep_assigned()
        self._without_waiting()

    def now(self) -> None:
        self._keep_assigned()
        news = self._offsets.tell()
        if not news:
            return
        try:
            self._consumer.commit(_as_kafka_has_them(news), timeout_ms=3_000)
        except KafkaError as error:
            self._failed(news, error)

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Their next owner shall not read again what was handled here. Nobody may wait on this
        thread; should the commit fail, the inbox covers it."""
        self._without_waiting()

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        self._keep_assigned()

    def on_partitions_lost(self, lost: Iterable[TopicPartition]) -> None:
        self._offsets.forget(lost)

    def _keep_assigned(self) -> None:
        self._offsets.keep(self._consumer.assignment())

    def _without_waiting(self) -> None:
        news = self._offsets.tell()
        if not news:
            return
        handled, self._handled = self._handled, []
        self._points.handling(Point.BEFORE_OFFSET_COMMIT, handled)

        def answered(_: Any, answer: Any) -> None:
            if isinstance(answer, Exception):
                self._failed(news, answer)
            else:
                self._points.handling(Point.AFTER_OFFSET_COMMIT, handled)

        self._consumer.commit_async(_as_kafka_has_them(news), answered)

    def _failed(self, news: Mapping[TopicPartition, int], error: Exception) -> None:
        """The client does not try again by itself."""
        log.warning("offsets are not committed yet: %r", error)
        self._offsets.failed(news)


def _as_kafka_has_them(
    offsets: Mapping[TopicPartition, int],
) -> dict[TopicPartition, OffsetAndMetadata]:
    return {place: OffsetAndMetadata(offset, "", -1) for place, offset in offsets.items()}
