"""The shape of a Coordination: what is asked for. The CRD and its reference are made from it.

A field's description is the reference's text. Defaults are written once, here, and the API server
fills them in; what no single field can say alone are the rules in `schema.py`.
"""

from __future__ import annotations

import re
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from services.kit.message import Mode

GROUP = "bandstand.dev"
VERSION = "v1alpha1"
KIND = "Coordination"
PLURAL = "coordinations"
NAME = "orders"

_PARTS = re.compile(r"(\d+)(ms|s|m|h)")
_UNITS = {"ms": "milliseconds", "s": "seconds", "m": "minutes", "h": "hours"}
_LONGEST = 20


def length(duration: str) -> timedelta:
    """`1m30s` as a timedelta."""
    parts = _PARTS.findall(duration)
    return sum((timedelta(**{_UNITS[unit]: int(n)}) for n, unit in parts), timedelta())


def _about(text: str, **bounds: Any) -> Meta:
    return Meta(description=text, **bounds)


def _duration(text: str) -> Meta:
    """Six digits: any of them, added to any date of ours, is a date that Python can tell."""
    return Meta(description=text, pattern=r"^([0-9]{1,6}(ms|s|m|h))+$", max_length=_LONGEST)


_Query = Annotated[str, Meta(min_length=1, max_length=4096)]


class Who(StrEnum):
    """A mode, as Kubernetes spells the values of an enum."""

    ORCHESTRATION = "Orchestration"
    CHOREOGRAPHY = "Choreography"

    @property
    def mode(self) -> Mode:
        return Mode(self.value.lower())

    @property
    def other(self) -> Who:
        return Who.of(self.mode.other)

    @staticmethod
    def of(mode: Mode) -> Who:
        return Who(mode.value.capitalize())


class OnTimeout(StrEnum):
    HOLD = "Hold"
    ROLLBACK = "Rollback"


class NoData(StrEnum):
    WAIT = "Wait"
    FAIL = "Fail"
    PASS = "Pass"  # noqa: S105 - not a password


class Against(StrEnum):
    STABLE = "Stable"


class Template(StrEnum):
    """Ready-made metrics; `analysis.py` has their queries and what they allow."""

    ERROR_SHARE = "ErrorShare"
    LATENCY_P50 = "LatencyP50"
    LATENCY_P99 = "LatencyP99"
    STUCK_SAGAS = "StuckSagas"
    OLDEST_SAGA_AGE = "OldestSagaAge"
    COMPENSATIONS_PER_ORDER = "CompensationsPerOrder"


class Resource(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=False):
    """As the API server stores it; it has dropped what it does not know."""


class Step(Resource, frozen=True, kw_only=True):
    """A share of new sagas for the target mode, and when it has had its chance."""

    weight: Annotated[int, _about("Percent of new sagas that the target mode gets.", ge=1, le=100)]
    min_duration: Annotated[str, _duration("How long this step lasts at least.")] = "30s"
    min_sagas: Annotated[
        int,
        _about("How many sagas of the target mode must have ended in this step.", ge=0, le=10_000),
    ] = 0


class Drain(Resource, frozen=True, kw_only=True):
    """After the last step the old mode gets no new sagas, and its open ones play to their end."""

    timeout: Annotated[str, _duration("How long the old mode may take to drain.")] = "5m"
    on_timeout: Annotated[
        OnTimeout,
        _about("Hold waits on; Rollback gives new sagas back to the old mode."),
    ] = OnTimeout.HOLD


class Compare(Resource, frozen=True, kw_only=True):
    """The target mode's value against that of the mode it is to replace, at the same moment."""

    against: Annotated[Against, _about("The mode that is active while the other is tried.")] = (
        Against.STABLE
    )
    max_ratio: Annotated[
        float, _about("The value may be this many times as high.", ge=0, le=1_000_000)
    ] = 1.5
    tolerance: Annotated[
        float,
        _about("And this much higher still, so that two small values are not compared.", ge=0),
    ] = 0


class Range(Resource, frozen=True, kw_only=True):
    """Bounds that the value has to keep by itself."""

    min: Annotated[float | None, _about("At least this much.")] = None
    max: Annotated[float | None, _about("At most this much.")] = None


class Metric(Resource, frozen=True, kw_only=True):
    """A measurement of the target mode, and what it has to be like."""

    name: Annotated[
        str,
        _about(
            "What it is called in the status.", pattern="^[A-Za-z][A-Za-z0-9-]*$", max_length=63
        ),
    ]
    template: Annotated[
        Template | None, _about("A ready-made metric; each has bounds of its own.")
    ] = None
    query: Annotated[
        _Query | None,
        _about("PromQL with one number as its answer; `$mode` and `$window` are filled in."),
    ] = None
    compare: Annotated[Compare | None, _about("Bounds relative to the stable mode.")] = None
    threshold_range: Annotated[Range | None, _about("Bounds of the value itself.")] = None
    no_data: Annotated[
        NoData, _about("What an empty answer or NaN counts as; Wait is inconclusive.")
    ] = NoData.WAIT
    failure_limit: Annotated[
        int, _about("How many failures in one step are put up with.", ge=0, le=100)
    ] = 0
    dry_run: Annotated[bool, _about("Measured and shown, but nothing follows from it.")] = False


class Analysis(Resource, frozen=True, kw_only=True):
    """What the target mode is judged by while it is tried."""

    interval: Annotated[str, _duration("How often is measured.")] = "15s"
    window: Annotated[
        str, _duration("What a rate is taken over; at least three scrapes of Prometheus.")
    ] = "1m"
    metrics: Annotated[
        tuple[Metric, ...],
        _about(
            "All of them have to pass in every step; without any, time alone decides.",
            max_length=20,
        ),
    ] = ()


class Rollout(Resource, frozen=True, kw_only=True):
    """The way from the active mode to the other one."""

    steps: Annotated[
        tuple[Step, ...],
        _about(
            "Ascending weights. After the last one the target mode gets all new sagas, whether or "
            "not 100 is listed.",
            max_length=20,
        ),
    ] = (Step(weight=10), Step(weight=50))
    progress_deadline: Annotated[
        str, _duration("How long one step may take before it counts as failed.")
    ] = "10m"


class Rollback(Resource, frozen=True, kw_only=True):
    """Giving all new sagas back to the active mode."""

    automatic: Annotated[
        bool, _about("Otherwise a failure holds the rollout until somebody promotes or aborts it.")
    ] = True
    cooldown: Annotated[
        str,
        _duration("How long after a rollback no other rollout begins, unless one asks for it."),
    ] = "1m"


class Orchestrator(Resource, frozen=True, kw_only=True):
    """The orchestrator's Deployment, which choreography has no use for."""

    scale_to_zero_when_idle: Annotated[
        bool, _about("Scale it to zero once choreography has everything and it has drained.")
    ] = False
    replicas: Annotated[int, _about("How many it gets when it is needed again.", ge=1, le=50)] = 1


class CoordinationSpec(Resource, frozen=True, kw_only=True):
    """Who is to coordinate, and how to get there."""

    mode: Annotated[Who, _about("Who is to coordinate new sagas.")]
    suspend: Annotated[
        bool, _about("Freeze: nothing is changed any more, except by the abort annotation.")
    ] = False
    rollout: Rollout = Rollout()
    drain: Drain = Drain()
    analysis: Analysis = Analysis()
    rollback: Rollback = Rollback()
    orchestrator: Orchestrator = Orchestrator()
