"""A board as the JSON that a Grafana of today reads, held against its schema (`schema/`).

The builders are those of an older Grafana. What they say that it no longer knows is left out, and
an annotation's query stands where it is looked for now.
"""

from __future__ import annotations

import json
from typing import Any

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from observability.dashboards.panel import Board

GONE = frozenset({"style"})
GONE_FROM_TABLES = frozenset({"footer"})
OF_INTERVALS = frozenset({"id", "auto", "auto_count", "auto_min"})


def text(board: Board) -> str:
    built = json.loads(JSONEncoder().encode(board))
    return json.dumps(document(built), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def document(built: dict[str, Any]) -> dict[str, Any]:
    templating, annotations = built["templating"], built["annotations"]
    return {
        **_without(built, GONE),
        "annotations": {"list": [_annotation(each) for each in annotations["list"]]},
        "panels": [_panel(each) for each in built["panels"]],
        "templating": {"list": [_without(each, OF_INTERVALS) for each in templating["list"]]},
    }


def _annotation(built: dict[str, Any]) -> dict[str, Any]:
    query = {"expr": built["expr"], "refId": "A"}
    return {**_without(built, frozenset({"expr"})), "target": query}


def _panel(built: dict[str, Any]) -> dict[str, Any]:
    if built["type"] != "table":
        return built
    return {**built, "options": _without(built["options"], GONE_FROM_TABLES)}


def _without(said: dict[str, Any], names: frozenset[str]) -> dict[str, Any]:
    return {name: value for name, value in said.items() if name not in names}
