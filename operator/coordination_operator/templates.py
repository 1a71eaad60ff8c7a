"""The ready-made metrics: what is measured, in which unit, and what it may be by default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from coordination_operator.resources import Compare, Metric, Range, Template

# Answers to a customer, not failures of ours, as patterns: the objectives leave out the same.
ANSWERS: Final = ("out_of_stock", "card_declined", "not_serviceable", "cancelled", "policy:.*")

_ENDED = 'sum(increase(bandstand_orders_ended_total{mode="$mode"$selector}[$window]))'
_FAILED = (
    'sum(increase(bandstand_orders_ended_total{mode="$mode",outcome="rejected",'
    f'reason!~"{"|".join(ANSWERS)}"$selector}}[$window]))'
)
_BUCKETS = (
    'sum by (le) (rate(bandstand_order_duration_seconds_bucket{mode="$mode"$selector}[$window]))'
)


@dataclass(frozen=True)
class ReadyMade:
    meaning: str
    query: str
    unit: str = ""
    allowed: Range | None = None
    compare: Compare | None = None


READY_MADE: Final[Mapping[Template, ReadyMade]] = {
    Template.ERROR_SHARE: ReadyMade(
        "share of the ended orders that were rejected for another reason than the customer's own",
        f"({_FAILED} or 0 * {_ENDED}) / ({_ENDED} > 0)",
        allowed=Range(max=0.02),
    ),
    Template.LATENCY_P50: ReadyMade(
        "seconds from admission to the end, for half of the orders",
        f"histogram_quantile(0.5, {_BUCKETS})",
        unit="s",
        allowed=Range(max=1),
    ),
    Template.LATENCY_P99: ReadyMade(
        "seconds from admission to the end, for 99 of 100 orders",
        f"histogram_quantile(0.99, {_BUCKETS})",
        unit="s",
        allowed=Range(max=2),
    ),
    Template.STUCK_SAGAS: ReadyMade(
        "sagas that make no progress",
        'sum(max by (service) (bandstand_sagas_stuck{mode="$mode"$selector}))',
        allowed=Range(max=0),
    ),
    Template.OLDEST_SAGA_AGE: ReadyMade(
        "seconds that the oldest open saga has been open",
        'max(bandstand_sagas_oldest_age_seconds{mode="$mode"$selector})',
        unit="s",
        allowed=Range(max=30),
    ),
    Template.COMPENSATIONS_PER_ORDER: ReadyMade(
        "steps of a way back for each ended order",
        '(sum(increase(bandstand_compensations_total{mode="$mode"$selector}[$window])) '
        f"or 0 * {_ENDED}) / ({_ENDED} > 0)",
        compare=Compare(max_ratio=2, tolerance=0.1),
    ),
}


def query_of(metric: Metric) -> str:
    """`$mode`, `$window` and `$selector` are still to be filled in."""
    if metric.template is not None:
        return READY_MADE[metric.template].query
    assert metric.query is not None
    return metric.query


def bounds_of(metric: Metric) -> tuple[Range | None, Compare | None]:
    """Its own, or where it has none those of its template."""
    if metric.threshold_range or metric.compare or metric.template is None:
        return metric.threshold_range, metric.compare
    ready = READY_MADE[metric.template]
    return ready.allowed, ready.compare


def unit_of(metric: Metric) -> str:
    return READY_MADE[metric.template].unit if metric.template else ""
