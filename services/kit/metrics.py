"""Every metric's name, unit and help in one place; all carry `mode` where a saga has one."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST, generate_latest

CONTENT_TYPE = CONTENT_TYPE_LATEST

_LATENCY = (0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60)


class Metrics:
    """One process's metrics, on a registry of its own; who reads them sums replicas."""

    def __init__(self, service: str) -> None:
        self.registry = CollectorRegistry()
        self._service = service
        self.requests = self._histogram(
            "http_request_duration_seconds",
            "Duration of HTTP requests",
            "method",
            "route",
            "status",
        )
        self.placed = self._counter("orders_placed", "Orders admitted", "mode")
        self.ended = self._counter("orders_ended", "Orders ended", "mode", "outcome", "reason")
        self.order_duration = self._histogram(
            "order_duration_seconds", "From admission to confirmed or rejected", "mode", "outcome"
        )
        self.step_duration = self._histogram(
            "step_duration_seconds", "From the message's sending to its commit", "mode", "step"
        )
        self.queue = self._histogram(
            "step_queue_seconds", "From the message's sending to its handling", "mode", "step"
        )
        self.batch_duration = self._histogram(
            "batch_duration_seconds",
            "Duration of a batch: third party, transaction, hand-over to the producer",
        )
        self.batch_size = self._histogram(
            "batch_messages", "Messages in a batch", buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500)
        )
        self.published = self._counter(
            "messages_published", "Messages the broker has acknowledged", "mode", "topic"
        )
        self.published_bytes = self._counter(
            "messages_published_bytes", "Bytes of their values and headers", "mode", "topic"
        )
        self.consumed = self._counter("messages_consumed", "Messages acted upon", "mode", "topic")
        self.unconcerned = self._counter(
            "messages_ignored", "Messages read and not acted upon", "reason"
        )
        self.duplicates = self._counter(
            "duplicates_dropped", "Messages that the inbox knew already", "mode"
        )
        self.dead_letters = self._counter(
            "dead_letters", "Messages that could not be handled", "topic"
        )
        self.retries = self._counter("retries", "Messages put off for another try", "mode", "why")
        self.compensations = self._counter(
            "compensations", "Steps of a way back", "mode", "command"
        )
        self.faults = self._counter("faults", "Injected faults that hit", "mode", "fault")
        self.transactions = self._counter("transactions", "Batches committed, one transaction each")
        self.resent = self._counter(
            "outbox_resent", "Outbox rows published by a sweep, not at once"
        )
        self.spans = self._counter("spans", "Spans ended", "name", "mode")
        self.open_sagas = self._gauge("sagas_open", "Open sagas", "mode", "epoch")
        self.oldest_saga = self._gauge(
            "sagas_oldest_age_seconds", "Age of the oldest open saga", "mode"
        )
        self.stuck_sagas = self._gauge("sagas_stuck", "Sagas that make no progress", "mode")
        self.outbox_pending = self._gauge(
            "outbox_pending", "Outbox rows that the broker has not acknowledged"
        )
        self.parked = self._gauge("parked_messages", "Messages that wait for another try")
        self.pruned = self._counter("rows_pruned", "Rows deleted by retention", "table")
        self.incarnation = self._gauge("incarnation", "Starts of this instance")

    def exposition(self) -> bytes:
        exposition: bytes = generate_latest(self.registry)  # type: ignore[no-untyped-call]
        return exposition

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(name, text, labels, namespace="bandstand", registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(name, text, labels, namespace="bandstand", registry=self.registry)

    def _histogram(
        self, name: str, text: str, *labels: str, buckets: tuple[float, ...] = _LATENCY
    ) -> Histogram:
        return Histogram(
            name, text, labels, namespace="bandstand", registry=self.registry, buckets=buckets
        )
