"""Specs and observations with defaults, so that a test says only what it is about."""

from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from coordination_operator.plan import Deployed, Observed, Route
from coordination_operator.resources import (
    Analysis,
    CoordinationSpec,
    Metric,
    Range,
    Rollout,
    Step,
    Who,
)
from coordination_operator.status import CoordinationStatus, Left
from services.kit.message import Mode

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
NOTHING = Left(unsent=0, parked=0, unread=0)
SOMETHING = Left(unsent=0, parked=1, unread=0)
ERRORS = Metric(name="errors", query="errors{$mode}", threshold_range=Range(max=0.1))


def seconds(count):
    return timedelta(seconds=count)


def a_spec(mode=Who.CHOREOGRAPHY, steps=((10, "10s"), (50, "10s")), metrics=(ERRORS,), **other):
    rollout = Rollout(
        steps=tuple(Step(weight=w, min_duration=d, min_sagas=sum(n)) for w, d, *n in steps),
        progress_deadline="2m",
    )
    analysis = Analysis(interval="5s", window="20s", metrics=metrics)
    return replace(
        CoordinationSpec(mode=mode), **{"rollout": rollout, "analysis": analysis, **other}
    )


def a_route(mode=Mode.ORCHESTRATION, weight=100, epoch=1, now=START, changed_at=START, **other):
    given = {"open": dict.fromkeys(Mode, 0), "ended": {}, **other}
    return Route(mode, weight, epoch, changed_at, now, **given)


def an_observation(status=None, route=None, **other):
    given = {
        "left": dict.fromkeys(Mode, NOTHING),
        "orchestrator": Deployed(wanted=1, ready=1),
        **other,
    }
    return Observed(START, status or CoordinationStatus(), 1, route or a_route(), **given)
