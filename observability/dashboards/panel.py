"""Grafana's JSON, as far as we need it: a time series, a row of them, a dashboard."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from string import ascii_uppercase
from typing import Any

SCHEMA = 41
COLUMNS, HEIGHT = 24, 8
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
COLOURS = {"orchestration": "#4f7fd9", "choreography": "#e0873c"}

Json = dict[str, Any]


@dataclass(frozen=True)
class Query:
    """`legend` may name labels: `{{mode}}`."""

    expr: str
    legend: str


@dataclass(frozen=True)
class Panel:
    """`why` tells what to read from it."""

    title: str
    unit: str
    queries: Sequence[Query]
    why: str
    stacked: bool = False


@dataclass(frozen=True)
class Dashboard:
    """`rows` are what stands beside each other, on one scale of time."""

    uid: str
    title: str
    question: str
    rows: Sequence[tuple[str, Sequence[Panel]]]

    def panels(self) -> Iterator[Panel]:
        for _, panels in self.rows:
            yield from panels


def by_mode(expr: str) -> Query:
    return Query(expr, "{{mode}}")


def render(dashboard: Dashboard) -> Json:
    return {
        "uid": dashboard.uid,
        "title": dashboard.title,
        "description": dashboard.question,
        "tags": ["bandstand"],
        "schemaVersion": SCHEMA,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "10s",
        "time": {"from": "now-15m", "to": "now"},
        "timezone": "browser",
        "annotations": {"list": [_alerts()]},
        "links": [_other_dashboards()],
        "templating": {"list": [_datasource()]},
        "panels": list(_panels(dashboard)),
    }


def _panels(dashboard: Dashboard) -> Iterator[Json]:
    ids, y = count(1), 0
    for title, panels in dashboard.rows:
        yield _row(next(ids), title, y)
        width = COLUMNS // len(panels)
        for column, panel in enumerate(panels):
            place = {"x": column * width, "y": y + 1, "w": width, "h": HEIGHT}
            yield _time_series(next(ids), panel, place)
        y += 1 + HEIGHT


def _row(number: int, title: str, y: int) -> Json:
    place = {"x": 0, "y": y, "w": COLUMNS, "h": 1}
    return {
        "id": number,
        "type": "row",
        "title": title,
        "collapsed": False,
        "gridPos": place,
        "panels": [],
    }


def _time_series(number: int, panel: Panel, place: Json) -> Json:
    stacking = "normal" if panel.stacked else "none"
    custom = {"fillOpacity": 20 if panel.stacked else 0, "stacking": {"mode": stacking}}
    return {
        "id": number,
        "type": "timeseries",
        "title": panel.title,
        "description": panel.why,
        "datasource": DATASOURCE,
        "gridPos": place,
        "targets": [_target(*each) for each in zip(ascii_uppercase, panel.queries, strict=False)],
        "fieldConfig": {
            "defaults": {"unit": panel.unit, "min": 0, "custom": custom},
            "overrides": [_colour(mode) for mode in COLOURS],
        },
        "options": {
            "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
            "tooltip": {"mode": "multi", "sort": "desc"},
        },
    }


def _target(letter: str, query: Query) -> Json:
    return {
        "refId": letter,
        "datasource": DATASOURCE,
        "expr": query.expr,
        "legendFormat": query.legend,
        "range": True,
    }


def _colour(mode: str) -> Json:
    """Each mode has one colour, on every panel."""
    value = {"mode": "fixed", "fixedColor": COLOURS[mode]}
    return {
        "matcher": {"id": "byRegexp", "options": f"/{mode}/"},
        "properties": [{"id": "color", "value": value}],
    }


def _datasource() -> Json:
    return {
        "type": "datasource",
        "name": "datasource",
        "label": "Data source",
        "query": "prometheus",
        "current": {},
    }


def _alerts() -> Json:
    return {
        "name": "Alerts",
        "enable": True,
        "iconColor": "red",
        "datasource": DATASOURCE,
        "expr": 'ALERTS{alertname=~"Bandstand.*",alertstate="firing"}',
        "titleFormat": "{{alertname}}",
        "textFormat": "{{mode}} {{service}}",
    }


def _other_dashboards() -> Json:
    return {
        "type": "dashboards",
        "title": "bandstand",
        "tags": ["bandstand"],
        "asDropdown": True,
        "includeVars": True,
        "keepTime": True,
    }
