"""Every metric's name, unit and help in one place; all carry `mode` where a saga has one."""

from __future__ import annotations

from typing import Any, Generic, TypeVar, overload

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST, generate_latest

from services.policy.bench import Bench

CONTENT_TYPE = CONTENT_TYPE_LATEST
NAMESPACE = "bandstand"

_DECISION = (5e-6, 1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 1e-2)
_LATENCY = (0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60)
_SIZE = (1, 2, 5, 10, 20, 50, 100, 200, 500)

M = TypeVar("M", Counter, Gauge, Histogram)


class Declared(Generic[M]):
    """A metric as it is declared; on an instance of `Metrics` it is the metric itself. A `shared`
    one is what each replica reads from their database: the maximum over them is it, not the sum."""

    def __init__(
        self,
        kind: type[M],
        name: str,
        unit: str,
        text: str,
        *labels: str,
        shared: bool = False,
        **more: Any,
    ) -> None:
        self.kind: type[M] = kind
        self.shared = shared
        self.name, self.unit = f"{NAMESPACE}_{name}", unit
        self.text, self.labels, self._more = text, labels, more

    @overload
    def __get__(self, metrics: None, owner: type[Metrics]) -> Declared[M]: ...

    @overload
    def __get__(self, metrics: Metrics, owner: type[Metrics]) -> M: ...

    def __get__(self, metrics: Metrics | None, owner: type[Metrics]) -> Declared[M] | M:
        """Reached through the class only: an instance has the metric under the same name."""
        return self

    @property
    def exposed(self) -> str:
        """As queries name it; a histogram's series have further endings."""
        return f"{self.name}_total" if self.kind is Counter else self.name

    def make(self, registry: CollectorRegistry) -> M:
        made: M = self.kind(self.name, self.text, self.labels, registry=registry, **self._more)
        return made


def _counter(
    name: str, unit: str, text: str, *labels: str, shared: bool = False
) -> Declared[Counter]:
    return Declared(Counter, name, unit, text, *labels, shared=shared)


def _gauge(name: str, unit: str, text: str, *labels: str, shared: bool = False) -> Declared[Gauge]:
    return Declared(Gauge, name, unit, text, *labels, shared=shared)


def _histogram(
    name: str, unit: str, text: str, *labels: str, buckets: tuple[float, ...] = _LATENCY
) -> Declared[Histogram]:
    return Declared(Histogram, name, unit, text, *labels, buckets=buckets)


class Metrics:
    """One process's metrics, on a registry of its own; who reads them sums replicas, or takes the
    maximum of what is shared."""

    requests = _histogram(
        "http_request_duration_seconds",
        "seconds",
        "Duration of HTTP requests",
        "method",
        "route",
        "status",
    )
    placed = _counter("orders_placed", "orders", "Orders admitted", "mode")
    ended = _counter("orders_ended", "orders", "Orders ended", "mode", "outcome", "reason")
    order_duration = _histogram(
        "order_duration_seconds",
        "seconds",
        "From admission to confirmed or rejected",
        "mode",
        "outcome",
    )
    route_share = _gauge(
        "route_share_ratio",
        "ratio",
        "Of the new orders, what the route gives to a mode",
        "mode",
        shared=True,
    )
    route_epoch = _gauge(
        "route_epoch", "epoch", "Number of the routing decision in force", shared=True
    )
    open_sagas = _gauge("sagas_open", "sagas", "Open sagas", "mode", "epoch", shared=True)
    oldest_saga = _gauge(
        "sagas_oldest_age_seconds", "seconds", "Age of the oldest open saga", "mode", shared=True
    )
    stuck_sagas = _gauge("sagas_stuck", "sagas", "Sagas that make no progress", "mode", shared=True)
    waiting_sagas = _gauge(
        "sagas_waiting",
        "sagas",
        "Open sagas by the step whose answer they wait for; `hold`: for one to a rule that holds",
        "mode",
        "step",
        shared=True,
    )
    deadlines_passed = _counter(
        "deadlines_passed",
        "deadlines",
        "Deadlines that passed, by the step that was waited for; `order` where only that is known",
        "mode",
        "step",
    )

    step_duration = _histogram(
        "step_duration_seconds",
        "seconds",
        "From the message's sending to its commit",
        "mode",
        "step",
    )
    queue = _histogram(
        "step_queue_seconds",
        "seconds",
        "From the message's sending to its handling",
        "mode",
        "step",
    )
    compensations = _counter("compensations", "steps", "Steps of a way back", "mode", "command")
    retries = _counter("retries", "messages", "Messages put off for another try", "mode", "why")
    faults = _counter("faults", "faults", "Injected faults that hit", "mode", "fault")
    spans = _counter("spans", "spans", "Spans ended", "name", "mode")

    consumed = _counter("messages_consumed", "messages", "Messages acted upon", "mode", "topic")
    unconcerned = _counter(
        "messages_ignored", "messages", "Messages read and not acted upon", "reason"
    )
    duplicates = _counter(
        "duplicates_dropped", "messages", "Messages that the inbox knew already", "mode"
    )
    dead_letters = _counter(
        "dead_letters", "messages", "Messages that could not be handled", "topic"
    )
    consumer_lag = _gauge(
        "consumer_lag_messages",
        "messages",
        "Messages on the reader's partitions that it has not handled yet",
        "group",
        "topic",
        "mode",
    )
    published = _counter(
        "messages_published", "messages", "Messages the broker has acknowledged", "mode", "topic"
    )
    published_bytes = _counter(
        "messages_published_bytes", "bytes", "Bytes of their values and headers", "mode", "topic"
    )
    parked = _gauge(
        "parked_messages", "messages", "Messages that wait for another try", shared=True
    )
    outbox_pending = _gauge(
        "outbox_pending",
        "messages",
        "Outbox rows that the broker has not acknowledged",
        shared=True,
    )
    resent = _counter("outbox_resent", "messages", "Outbox rows published by a sweep, not at once")

    transactions = _counter("transactions", "batches", "Batches committed, one transaction each")
    batch_duration = _histogram(
        "batch_duration_seconds",
        "seconds",
        "Duration of a batch: third party, transaction, hand-over to the producer",
    )
    batch_size = _histogram("batch_messages", "messages", "Messages in a batch", buckets=_SIZE)
    transaction_duration = _histogram(
        "transaction_duration_seconds",
        "seconds",
        "Duration of a database transaction, by what it is for",
        "purpose",
    )
    pool_connections = _gauge(
        "pool_connections",
        "connections",
        "The HTTP handlers' database connections: `busy` or `idle`",
        "state",
    )
    pool_waiting = _gauge(
        "pool_waiting", "requests", "HTTP requests that wait for a database connection"
    )
    pruned = _counter("rows_pruned", "rows", "Rows deleted by retention", "table")
    incarnation = _gauge("incarnation", "starts", "Starts of this instance")

    tracked_sagas = _gauge(
        "tracked_sagas", "sagas", "saga-tracker: open sagas by state", "mode", "state", shared=True
    )
    tracked_waiting = _gauge(
        "tracked_sagas_waiting",
        "sagas",
        "saga-tracker: stuck sagas by the event that is missing",
        "mode",
        "event",
        shared=True,
    )
    tracker_lag = _histogram(
        "tracker_lag_seconds",
        "seconds",
        "saga-tracker: from an event's sending until its state shows it",
        "mode",
    )

    decisions = _counter(
        "policy_decisions",
        "decisions",
        "Decisions on steps, by rule; those that are not enforced only look",
        "mode",
        "rule",
        "outcome",
        "enforced",
    )
    policy_errors = _counter(
        "policy_errors", "errors", "Rules that failed at run time", "mode", "rule"
    )
    decision_seconds = _histogram(
        "policy_decision_seconds",
        "seconds",
        "Deciding one step by all its rules",
        buckets=_DECISION,
    )
    policy_version = _gauge("policy_version", "version", "Version of the rules in force here")

    policy_points_behind = _gauge(
        "policy_points_behind",
        "points",
        "Points that enforce an older version than the newest",
        shared=True,
    )
    policy_points_missed = _gauge(
        "policy_points_missed",
        "points",
        "Points that fell silent without saying that they leave",
        shared=True,
    )
    policy_skew = _gauge(
        "policy_skew_seconds", "seconds", "For how long some point has been behind", shared=True
    )
    policy_violations = _counter(
        "policy_violations",
        "steps",
        "Steps done past a rule, found by the auditor; each replica goes over all orders",
        "mode",
        "kind",
        shared=True,
    )
    policy_audited = _counter(
        "policy_audited_steps",
        "steps",
        "Steps that a rule could guard, done, by whether one did; counted like the violations",
        "mode",
        "guarded",
        shared=True,
    )
    policy_slipped = _counter(
        "policy_slipped",
        "steps",
        "Of these, steps whose point did not enforce the rule yet, by the version of the rules",
        "mode",
        "version",
        shared=True,
    )

    def __init__(self, service: str) -> None:
        self.registry = CollectorRegistry()
        self._service = service
        ProcessCollector(registry=self.registry)
        for attribute, declared in declarations().items():
            vars(self)[attribute] = declared.make(self.registry)

    def tell_decisions(self, bench: Bench) -> None:
        for minute in bench.minutes:
            enforced = "true" if minute.enforced else "false"
            labels = minute.mode.value, minute.rule, minute.outcome.value, enforced
            self.decisions.labels(*labels).inc()
            if minute.failed:
                self.policy_errors.labels(minute.mode.value, minute.rule).inc()
        for seconds in bench.seconds:
            self.decision_seconds.observe(seconds)

    def exposition(self) -> bytes:
        exposition: bytes = generate_latest(self.registry)  # type: ignore[no-untyped-call]
        return exposition


def declarations() -> dict[str, Declared[Any]]:
    """All of them, by the attribute that they are reached by."""
    return {name: each for name, each in vars(Metrics).items() if isinstance(each, Declared)}
