"""What is remembered of a time that has not come yet, because the clock was set back: pure.

Time that was waited is waited again then; but nobody waits until the clock has caught up, and what
was measured in a time to come is not believed.
"""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from coordination_operator.plan import Route
from coordination_operator.status import CoordinationStatus


def on_the_clock(status: CoordinationStatus, route: Route, now: datetime) -> CoordinationStatus:
    analysis = status.analysis
    return replace(
        status,
        phase_since=_past(status.phase_since, now),
        clear_since=_past(status.clear_since, now),
        step_since=_past(_step_since(status, route), now),
        analysis=None if analysis is not None and analysis.at > now else analysis,
        switches=tuple(replace(each, ended_at=min(each.ended_at, now)) for each in status.switches),
    )


def _step_since(status: CoordinationStatus, route: Route) -> datetime:
    if status.step_since is None or status.epoch != route.epoch:
        return route.changed_at
    return status.step_since


def _past(moment: datetime | None, now: datetime) -> datetime | None:
    return min(moment, now) if moment is not None else None
