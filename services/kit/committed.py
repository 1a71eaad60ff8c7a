"""What a transaction left behind, and how it is counted and told."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from services.kit.effects import Closed, Effects, Handled
from services.kit.message import Message
from services.kit.metrics import Metrics
from services.kit.session import OutboxRow
from services.kit.trace_context import exemplar
from services.kit.tracing import Noted, Tracing


@dataclass(frozen=True)
class Committed:
    """What a transaction left behind, to be published and counted."""

    effects: Effects
    rows: list[OutboxRow]
    resend: list[OutboxRow]
    duplicates: list[Message]
    noted: list[Noted]


@dataclass(frozen=True)
class Teller:
    """`inbox` is the reader's mark in there; `parked` hears how many seconds the next of the
    parked messages will wait."""

    inbox: str
    metrics: Metrics
    tracing: Tracing
    parked: Callable[[float], None]

    def tell(self, committed: Committed, started: float, waited: float) -> None:
        """Counters and spans, after the commit: they may be lost, never wrong."""
        metrics, now, effects = self.metrics, time.time(), committed.effects
        metrics.transactions.inc()
        metrics.batch_duration.observe(now - started)
        heard = effects.heard
        if heard:
            metrics.batch_size.observe(len(heard))
        for done in heard:
            self._handled(done, started, now)
        for message in committed.duplicates:
            metrics.duplicates.labels(message.mode.value).inc()
            self.tracing.known(message.receipt + self.inbox)
        if effects.parked:
            self.parked(min(parked.wait_seconds for parked in effects.parked))
        for parked in effects.parked:
            metrics.retries.labels(parked.message.mode.value, parked.why).inc()
        for mode, fault in effects.faults:
            metrics.faults.labels(mode.value, fault).inc()
        for saga in effects.closed:
            self._closed(saga)
        for message in effects.projected:
            behind = max(now - message.sent_at().timestamp(), 0)
            metrics.tracker_lag.labels(message.mode.value).observe(behind)
        for bench in effects.decided:
            metrics.tell_decisions(bench)
        size = len(heard) + len(committed.duplicates)
        self.tracing.tell(
            [span if span.end else span.in_batch(now, waited, size) for _, span in committed.noted]
        )

    def _handled(self, done: Handled, started: float, now: float) -> None:
        message, metrics, mode = done.message, self.metrics, done.message.mode.value
        since = max(message.sent_at().timestamp(), done.held_until)
        metrics.consumed.labels(mode, message.topic).inc()
        example = exemplar(message.traceparent)
        metrics.step_duration.labels(mode, done.step).observe(max(now - since, 0), example)
        metrics.queue.labels(mode, done.step).observe(max(started - since, 0), example)
        if done.backward:
            metrics.compensations.labels(mode, done.step).inc()

    def _closed(self, saga: Closed) -> None:
        mode, metrics = saga.mode.value, self.metrics
        metrics.ended.labels(mode, saga.outcome, saga.reason or "").inc()
        duration = max(saga.ended_at - saga.started_at - saga.held_seconds, 0)
        example = exemplar(saga.traceparent)
        metrics.order_duration.labels(mode, saga.outcome).observe(duration, example)
