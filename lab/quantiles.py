"""How many samples a quantile needs before it says anything."""

from collections.abc import Sequence
from statistics import quantiles

import msgspec

PERCENT = (50, 95, 99)
NEEDED = {50: 2, 95: 20, 99: 100}


class Quantiles(msgspec.Struct, frozen=True):
    """None means that there are too few samples: of 100 values the 99th percentile is one value,
    of fewer it is a guess."""

    samples: int
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None


def said(samples: int, p50: float | None, p95: float | None, p99: float | None) -> Quantiles:
    """Keeps of three figures (as the database computed them) those that `samples` can carry."""
    figures = (
        _rounded(value) if samples >= NEEDED[percent] else None
        for percent, value in zip(PERCENT, (p50, p95, p99), strict=True)
    )
    return Quantiles(samples, *figures)


def measured(values: Sequence[float]) -> Quantiles:
    """The same from raw values."""
    if len(values) < NEEDED[50]:
        return Quantiles(len(values))
    cuts = quantiles(values, n=100, method="inclusive")
    return said(len(values), *(cuts[percent - 1] for percent in PERCENT))


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
