"""Panels as a dashboard would draw them: the part of the report that Grafana would show."""

import msgspec


class Line(msgspec.Struct, frozen=True):
    """`seconds` since the run began; a gap is where Prometheus has no number."""

    name: str
    mode: str | None
    seconds: list[float]
    values: list[float]


class Drawn(msgspec.Struct, frozen=True):
    title: str
    why: str
    unit: str
    lines: list[Line]
