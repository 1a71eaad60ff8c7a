"""Every metric's name, unit and help in one place; all carry `mode` where a saga has one."""

from __future__ import annotations

from typing import Any

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST, generate_latest

from services.kit.declared import Declared, counter, gauge, histogram
from services.policy.bench import Bench

CONTENT_TYPE = CONTENT_TYPE_LATEST

_DECISION = (5e-6, 1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 1e-2)
_SIZE = (1, 2, 5, 10, 20, 50, 100, 200, 500)


class Metrics:
    """One process's metrics, on a registry of its own; who reads them sums replicas, or takes the
    maximum of what is shared."""

    requests = histogram(
        "http_request_duration_seconds",
        "seconds",
        "Duration of HTTP requests",
        "method",
        "route",
        "status",
    )
    placed = counter("orders_placed", "orders", "Orders admitted", "mode")
    ended = counter("orders_ended", "orders", "Orders ended", "mode", "outcome", "reason")
    order_duration = histogram(
        "order_duration_seconds",
        "seconds",
        "From admission to confirmed or rejected, less the time for which a rule held it",
        "mode",
        "outcome",
    )
    route_share = gauge(
        "route_share_ratio",
        "ratio",
        "Of the new orders, what the route gives to a mode",
        "mode",
        shared=True,
    )
    route_epoch = gauge(
        "route_epoch", "epoch", "Number of the routing decision in force", shared=True
    )
    open_sagas = gauge("sagas_open", "sagas", "Open sagas", "mode", "epoch", shared=True)
    oldest_saga = gauge(
        "sagas_oldest_age_seconds",
        "seconds",
        "Age of the oldest open saga; what a rule holds has none, and then begins anew",
        "mode",
        shared=True,
    )
    stuck_sagas = gauge("sagas_stuck", "sagas", "Sagas that make no progress", "mode", shared=True)
    waiting_sagas = gauge(
        "sagas_waiting",
        "sagas",
        "Open sagas by the step whose answer they wait for; `hold`: for one to a rule that holds",
        "mode",
        "step",
        shared=True,
    )
    deadlines_passed = counter(
        "deadlines_passed",
        "deadlines",
        "Deadlines that passed, by the step that was waited for; `order` where only that is known",
        "mode",
        "step",
    )

    step_duration = histogram(
        "step_duration_seconds",
        "seconds",
        "From the message's sending, or the end of its hold, to its commit",
        "mode",
        "step",
    )
    queue = histogram(
        "step_queue_seconds",
        "seconds",
        "From the message's sending, or the end of its hold, to its handling",
        "mode",
        "step",
    )
    compensations = counter(
        "compensations",
        "steps",
        "Commands of a way back that were handled, also where there was nothing to undo",
        "mode",
        "command",
    )
    retries = counter("retries", "messages", "Messages put off for another try", "mode", "why")
    faults = counter("faults", "faults", "Injected faults that hit", "mode", "fault")
    spans = counter("spans", "spans", "Spans ended", "name", "mode")

    consumed = counter(
        "messages_consumed", "messages", "Messages acted upon or remembered", "mode", "topic"
    )
    unconcerned = counter(
        "messages_ignored", "messages", "Messages read that are of no concern here", "reason"
    )
    duplicates = counter(
        "duplicates_dropped", "messages", "Messages that the inbox knew already", "mode"
    )
    dead_letters = counter(
        "dead_letters", "messages", "Messages that could not be handled", "topic"
    )
    consumer_lag = gauge(
        "consumer_lag_messages",
        "messages",
        "Messages on the reader's partitions that it has not handled yet",
        "group",
        "topic",
        "mode",
    )
    published = counter(
        "messages_published", "messages", "Messages the broker has acknowledged", "mode", "topic"
    )
    published_bytes = counter(
        "messages_published_bytes", "bytes", "Bytes of their values and headers", "mode", "topic"
    )
    parked = gauge("parked_messages", "messages", "Messages that wait for another try", shared=True)
    outbox_pending = gauge(
        "outbox_pending",
        "messages",
        "Outbox rows that the broker has not acknowledged",
        shared=True,
    )
    resent = counter("outbox_resent", "messages", "Outbox rows published by a sweep, not at once")

    transactions = counter("transactions", "batches", "Batches committed, one transaction each")
    batch_duration = histogram(
        "batch_duration_seconds",
        "seconds",
        "Duration of a batch: third party, transaction, hand-over to the producer",
    )
    batch_size = histogram("batch_messages", "messages", "Messages in a batch", buckets=_SIZE)
    transaction_duration = histogram(
        "transaction_duration_seconds",
        "seconds",
        "Duration of a database transaction, by what it is for",
        "purpose",
    )
    pool_connections = gauge(
        "pool_connections",
        "connections",
        "The HTTP handlers' database connections: `busy` or `idle`",
        "state",
    )
    pool_waiting = gauge(
        "pool_waiting", "requests", "HTTP requests that wait for a database connection"
    )
    pruned = counter("rows_pruned", "rows", "Rows deleted by retention", "table")
    incarnation = gauge("incarnation", "starts", "Starts of this instance")

    tracked_sagas = gauge(
        "tracked_sagas", "sagas", "saga-tracker: open sagas by state", "mode", "state", shared=True
    )
    tracked_waiting = gauge(
        "tracked_sagas_waiting",
        "sagas",
        "saga-tracker: stuck sagas by the event that is missing",
        "mode",
        "event",
        shared=True,
    )
    tracker_lag = histogram(
        "tracker_lag_seconds",
        "seconds",
        "saga-tracker: from an event's sending until its state shows it",
        "mode",
    )

    decisions = counter(
        "policy_decisions",
        "decisions",
        "Decisions on steps, by rule; those that are not enforced only look",
        "mode",
        "rule",
        "outcome",
        "enforced",
    )
    policy_errors = counter(
        "policy_errors", "errors", "Rules that failed at run time", "mode", "rule"
    )
    decision_seconds = histogram(
        "policy_decision_seconds",
        "seconds",
        "Deciding one step by all its rules",
        buckets=_DECISION,
    )
    policy_version = gauge("policy_version", "version", "Version of the rules in force here")

    policy_points_behind = gauge(
        "policy_points_behind",
        "points",
        "Points that enforce an older version than the newest",
        shared=True,
    )
    policy_points_missed = gauge(
        "policy_points_missed",
        "points",
        "Points that fell silent without saying that they leave",
        shared=True,
    )
    policy_skew = gauge(
        "policy_skew_seconds", "seconds", "For how long some point has been behind", shared=True
    )
    policy_violations = counter(
        "policy_violations",
        "steps",
        "Steps done past a rule, found by the auditor; each replica goes over all orders",
        "mode",
        "kind",
        shared=True,
    )
    policy_audited = counter(
        "policy_audited_steps",
        "steps",
        "Steps that a rule could guard, done or refused, by whether one did; counted likewise",
        "mode",
        "guarded",
        shared=True,
    )
    policy_slipped = counter(
        "policy_slipped",
        "orders",
        "Orders with such a step whose point did not enforce the rule yet, by the rules' version",
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
