"""What a query names: our metrics, and the series that our recording rules make."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import promql_parser
import yaml
from prometheus_client import Counter, Gauge, Histogram

from coordination_operator.telemetry import Metrics as OperatorMetrics
from services.kit.metrics import declarations

RULES = Path(__file__).parents[3] / "observability" / "rules"
NAME = re.compile(r"\b(?:[a-z_]+:)?bandstand_[a-z_]+(?::[a-z0-9_]+)?")
SUMMED = re.compile(
    r"\b(?:sum|avg|count)\b(?:\s+by\s*\([^)]*\))?\s*\(\s*(?:[a-z_]+\()?(bandstand_[a-z_]+)"
)
ENDINGS: dict[Any, tuple[str, ...]] = {
    Counter: ("_total",),
    Gauge: ("",),
    Histogram: ("_bucket", "_sum", "_count"),
}


@cache
def exposed() -> frozenset[str]:
    """The name of every series that a service has, as Prometheus stores it."""
    return frozenset(
        each.name + ending for each in declarations().values() for ending in ENDINGS[each.kind]
    )


@cache
def told_by_the_operator() -> frozenset[str]:
    return frozenset(
        family.name for family in OperatorMetrics().registry.collect() if family.type == "gauge"
    )


@cache
def recorded() -> frozenset[str]:
    return frozenset(rule["record"] for rule in rules() if "record" in rule)


def rules() -> Iterator[dict[str, Any]]:
    for path in sorted(RULES.glob("*.yml")):
        for group in yaml.safe_load(path.read_text())["groups"]:
            yield from group["rules"]


def anybodys(query: str) -> set[str]:
    """Metrics that others have too, and of which this does not say whose: in a Prometheus that
    watches more than a release they would be added to ours."""
    return {
        each.name
        for each in _selectors(promql_parser.parse(query))
        if not NAME.fullmatch(each.name)
        and not {"job", "alertname"} & {one.name for one in each.matchers.matchers}
    }


def _selectors(expr: Any) -> Iterator[Any]:
    if isinstance(expr, promql_parser.VectorSelector):
        yield expr
    for part in ("lhs", "rhs", "expr", "vector_selector"):
        if inner := getattr(expr, part, None):
            yield from _selectors(inner)
    for argument in getattr(expr, "args", ()):
        yield from _selectors(argument)


def names(query: str) -> set[str]:
    return set(NAME.findall(query))


def summed(query: str) -> set[str]:
    """Shared metrics that this adds up over replicas, as if each had its own."""
    return {each.exposed for each in declarations().values() if each.shared} & set(
        SUMMED.findall(query)
    )


def unknown(query: str) -> set[str]:
    """Names in `query` that nobody exposes or records, which would always be empty."""
    return names(query) - exposed() - recorded() - told_by_the_operator()
