"""What each panel of *Compare* would show: its own queries, asked of a Prometheus."""

import math
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

from lab.panels.server import Series, Server
from lab.report.model import MODES
from lab.report.panels import Drawn, Line

COMPARE = Path(__file__).parents[2] / "observability" / "dashboards" / "compare.json"
POINTS = 240
LABEL = re.compile(r"{{\s*(\w+)\s*}}")


class _Target(msgspec.Struct, frozen=True, rename="camel"):
    expr: str
    legend_format: str = ""


class _Defaults(msgspec.Struct, frozen=True):
    unit: str = "short"


class _FieldConfig(msgspec.Struct, frozen=True):
    defaults: _Defaults = _Defaults()


class _Panel(msgspec.Struct, frozen=True, rename="camel"):
    type: str
    title: str
    description: str = ""
    targets: list[_Target] = []
    field_config: _FieldConfig = _FieldConfig()


class _Board(msgspec.Struct, frozen=True):
    panels: list[_Panel]


def drawn(server: Server, began: float) -> list[Drawn]:
    """Since `began`, on Prometheus's clock; a panel that has nothing to show is left out."""
    now = server.now()
    step = max(1.0, (now - began) / POINTS)
    board = msgspec.json.decode(COMPARE.read_bytes(), type=_Board)
    found = []
    for panel in board.panels:
        if panel.type != "timeseries":
            continue
        lines = [
            line
            for target in panel.targets
            for series in server.range(_asked(target.expr), began, now, step)
            for line in _line(target.legend_format, series, began)
        ]
        if lines:
            unit = panel.field_config.defaults.unit
            found.append(Drawn(panel.title, panel.description, unit, lines))
    return found


def _asked(expr: str) -> str:
    return expr.replace("$mode", "|".join(MODES))


def _line(legend: str, series: Series, began: float) -> Iterator[Line]:
    points = [(at - began, float(value)) for at, value in series.values]
    known = [(round(at, 1), value) for at, value in points if math.isfinite(value)]
    if known:
        name = LABEL.sub(lambda match: series.metric.get(match[1], ""), legend).strip()
        seconds, values = zip(*known, strict=True)
        yield Line(name, series.metric.get("mode"), list(seconds), list(values))
