"""Growth as a straight line through what was sampled, by least squares."""

from collections.abc import Iterable, Mapping, Sequence
from statistics import linear_regression

import msgspec

FEWEST = 5
WARM_UP_SECONDS = 60.0
WARM_UP_SHARE = 1 / 3

Points = Sequence[tuple[float, float]]


class Trend(msgspec.Struct, frozen=True):
    """`per_minute` is None where there are too few samples to say anything."""

    samples: int
    first: float | None = None
    last: float | None = None
    per_minute: float | None = None


class ProcessTrend(msgspec.Struct, frozen=True):
    """Memory in MiB, over the longest of a process's lives."""

    process: str
    lives: int
    seconds: float
    mib: Trend


def trend(points: Points) -> Trend:
    """`points` are (seconds, value)."""
    if not points:
        return Trend(0)
    first, last = points[0][1], points[-1][1]
    if len(points) < FEWEST:
        return Trend(len(points), round(first, 2), round(last, 2))
    seconds, values = zip(*points, strict=True)
    slope = linear_regression(seconds, values).slope * 60
    return Trend(len(points), round(first, 2), round(last, 2), round(slope, 3))


def settled(points: Points) -> Points:
    """Without the first minute, in which a process fills its caches; of a short life, without its
    first third."""
    if not points:
        return points
    began, ended = points[0][0], points[-1][0]
    warm = began + min(WARM_UP_SECONDS, (ended - began) * WARM_UP_SHARE)
    return [point for point in points if point[0] >= warm]


def by_process(lives: Mapping[tuple[str, int], Points]) -> list[ProcessTrend]:
    """`lives` are the samples by name and process id."""
    return [_of_process(name, lives) for name in sorted({name for name, _ in lives})]


def _of_process(name: str, lives: Mapping[tuple[str, int], Points]) -> ProcessTrend:
    own = [points for (each, _), points in lives.items() if each == name]
    longest = max(own, key=_seconds)
    return ProcessTrend(name, len(own), round(_seconds(longest), 1), trend(settled(longest)))


def over_minutes(values: Iterable[float | None]) -> Trend:
    """One value a minute; None where a minute has too little to say."""
    known = [(minute * 60.0, each) for minute, each in enumerate(values) if each is not None]
    return trend(known)


def _seconds(points: Points) -> float:
    return points[-1][0] - points[0][0] if points else 0.0
