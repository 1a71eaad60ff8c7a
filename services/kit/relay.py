"""The outbox relay: what was just committed is published at once; a sweep finds the rest.

Order per key holds: a fast publication happens only while nothing older is left behind. After a
start, as after a failed send, everything goes through the sweep, in the order of identity, until it
has caught up.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Sequence
from itertools import islice
from typing import Any, Protocol

from kafka.errors import KafkaError

from services.kit.crash_points import CrashPoints, Point
from services.kit.metrics import Metrics
from services.kit.session import OutboxRow
from services.kit.trace_context import is_sampled
from services.kit.tracing import Tracing
from services.kit.wire import Record, composed_at

log = logging.getLogger(__name__)

MOST_IN_FLIGHT = 20_000
MOST_FORGOTTEN = 10_000
SWEEP_LIMIT = 1_000
SETTLED_SECONDS = 2.0


class Sweepable(Protocol):
    def sweep(self, older_than_seconds: float, limit: int) -> list[OutboxRow]: ...

    def forget(self, ids: Sequence[int]) -> None: ...


class Publisher(Protocol):
    def publish(self, rows: Sequence[OutboxRow], twice: Sequence[OutboxRow] = ()) -> None: ...


class Relay:
    """Thread-safe; one per process, shared by everything that commits outbox rows."""

    def __init__(
        self,
        producer: Any,
        metrics: Metrics,
        tracing: Tracing,
        crash_points: CrashPoints | None = None,
    ) -> None:
        self._producer = producer
        self._metrics = metrics
        self._tracing = tracing
        self._points = crash_points or CrashPoints()
        self._turn = threading.Lock()
        self._lock = threading.Lock()
        self._in_flight: set[int] = set()
        self._acknowledged: set[int] = set()
        self._forgotten: dict[int, None] = {}
        self._put_off: deque[OutboxRow] = deque(maxlen=SWEEP_LIMIT)
        self._failures = 0
        self._behind = True
        self._born = time.time()

    @property
    def behind(self) -> bool:
        """Whether publication goes through the sweep for now: also at the start, because an
        earlier life of this process may have left something."""
        return self._behind

    def publish(self, rows: Sequence[OutboxRow], twice: Sequence[OutboxRow] = ()) -> None:
        """Send what was just committed; `twice` are those to send again (a fault)."""
        if self._puts_off(rows):
            return
        with self._turn:
            if not self._puts_off(rows) and self._send(rows):
                for row in twice:
                    self._send_once(row.record)

    def _puts_off(self, rows: Sequence[OutboxRow]) -> bool:
        """Leave them to the sweep; those that its look comes too early for go when it is done."""
        with self._lock:
            if len(self._in_flight) > MOST_IN_FLIGHT:
                self._behind = True
            if self._behind:
                self._put_off.extend(rows)
            return self._behind

    def sweep(self, database: Sweepable) -> None:
        """Publish what no transaction in flight can still precede; forget what is acknowledged.

        Called by the thread that writes everything but a saga's first row, so that once all is
        sent nothing of a saga can be overtaken, and fast publication may go on.
        """
        self.forget(database)
        if len(self._in_flight) > MOST_IN_FLIGHT:
            return
        behind, failures = self._behind, self._failures
        rows = database.sweep(0.0 if behind else SETTLED_SECONDS, SWEEP_LIMIT)
        left = [row for row in rows if not self._is_sent(row)]
        with self._turn:
            if self._send(left, late=True):
                self._metrics.resent.inc(len(left))
                if behind:
                    self._catch_up(failures, rows)

    def forget(self, database: Sweepable) -> None:
        """Until rows are deleted nothing publishes them again, nor does who read or wrote them
        before that and comes to publish them after it: put off, or a thread that had to wait."""
        with self._lock:
            ids = set(self._acknowledged)
        if ids:
            database.forget(list(ids))
        with self._lock:
            self._acknowledged -= ids
            self._forgotten |= dict.fromkeys(sorted(ids))
            more = max(len(self._forgotten) - MOST_FORGOTTEN, 0)
            for oldest in list(islice(self._forgotten, more)):
                del self._forgotten[oldest]

    def flush(self, seconds: float) -> None:
        """Wait until the broker has what was sent; what it has not stays in the outbox."""
        try:
            self._producer.flush(timeout=seconds)
        except KafkaError as error:
            log.warning("flush: %s", error)

    def _send(self, rows: Sequence[OutboxRow], late: bool = False) -> bool:
        """Stop at the first record that the producer does not take: none may overtake it.

        In one's turn only: whoever finds a row marked as sent knows that the producer has it.
        """
        return all(self._is_sent(row) or self._send_row(row, late) for row in rows)

    def _is_sent(self, row: OutboxRow) -> bool:
        with self._lock:
            known = (self._in_flight, self._acknowledged, self._forgotten)
            return any(row.id in ids for ids in known)

    def _send_row(self, row: OutboxRow, late: bool) -> bool:
        started = self._began(row.record, late)
        with self._lock:
            self._in_flight.add(row.id)
        future = self._send_once(row.record)
        if future is None:
            with self._lock:
                self._in_flight.discard(row.id)
            return False
        future.add_callback(self._succeeded, row, started)
        future.add_errback(self._failed, row)
        return True

    def _began(self, record: Record, late: bool) -> float:
        """What is sent late has waited since it was composed, by which time its cause was not
        over. An earlier life of this process may have sent it before, at an unknown time after."""
        if not is_sampled(record.parent):
            return time.time()
        composed = composed_at(record)
        return composed if late or composed < self._born else time.time()

    def _catch_up(self, failures: int, rows: Sequence[OutboxRow]) -> None:
        """Back to fast publication, unless a send failed since the rows were looked for.

        What was put off and is not among them was committed too late to be seen, and goes first.
        """
        seen = {row.id for row in rows}
        with self._lock:
            overflows = len(self._put_off) == SWEEP_LIMIT
            unseen = [row for row in self._put_off if row.id not in seen]
            self._put_off = deque(unseen, SWEEP_LIMIT)
            if overflows or len(rows) == SWEEP_LIMIT or failures != self._failures:
                return
            self._put_off.clear()
            self._behind = False
        self._send(sorted(unseen, key=_by_id), late=True)

    def _send_once(self, record: Record) -> Any:
        try:
            return self._producer.send(
                record.topic, value=record.value, key=record.key.encode(), headers=record.headers
            )
        except KafkaError as error:
            log.warning("%s is not sent now: %s", record.message_id, error)
            self._fall_behind()
            return None

    def _succeeded(self, row: OutboxRow, started: float, _metadata: Any) -> None:
        if self._points.armed:
            _, _, rest = row.record.message_id.partition(":")
            kind = rest.partition(":")[0]
            self._points.here(Point.AFTER_PUBLISH_BEFORE_MARKING, row.record.mode, kind)
        with self._lock:
            self._in_flight.discard(row.id)
            self._acknowledged.add(row.id)
        record = row.record
        self._metrics.published.labels(record.mode, record.topic).inc()
        size = len(record.value) + sum(len(name) + len(value) for name, value in record.headers)
        self._metrics.published_bytes.labels(record.mode, record.topic).inc(size)
        self._tracing.sent(record, started)

    def _failed(self, row: OutboxRow, error: BaseException) -> None:
        log.warning("%s was not acknowledged: %s", row.record.message_id, error)
        with self._lock:
            self._in_flight.discard(row.id)
        self._fall_behind()

    def _fall_behind(self) -> None:
        with self._lock:
            self._failures += 1
            self._behind = True


def _by_id(row: OutboxRow) -> int:
    return row.id
