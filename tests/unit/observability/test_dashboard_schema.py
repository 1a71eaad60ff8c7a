"""Each dashboard is what Grafana's own types say a dashboard is, and what is not is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import jsonschema_rs
import pytest
import yaml

from observability.dashboards.__main__ import FOLDER, documents
from tests.unit.observability.queries import RULES

SCHEMA = json.loads((FOLDER / "schema" / "board.schema.json").read_text())
BOARD = jsonschema_rs.validator_for(SCHEMA)
DOCUMENTS = {path.stem: json.loads(text) for path, text in documents().items()}
Json = Any


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_dashboard_is_valid(name: str) -> None:
    assert [told(error) for error in BOARD.iter_errors(DOCUMENTS[name])] == []


def told(error: Any) -> str:
    """Where, and what; of a panel, which may be of any type, why it is none of them."""
    whys = [why for kind in getattr(error.kind, "context", ()) for why in kind]
    return f"{error.instance_path}: {[why.message for why in whys] or error.message}"


def first(document: Json, kind: str) -> Json:
    return next(panel for panel in document["panels"] if panel["type"] == kind)


def plant(path: str, value: object, kind: str = "timeseries") -> Callable[[Json], None]:
    """A change of the first panel of this kind."""
    *above, last = (int(word) if word.isdigit() else word for word in path.split("."))

    def change(document: Json) -> None:
        there = first(document, kind)
        for word in above:
            there = there[word]
        there[last] = value

    return change


def forget(name: str, kind: str = "timeseries") -> Callable[[Json], None]:
    return lambda document: first(document, kind).pop(name)


MISTAKES: dict[str, Callable[[Json], object]] = {
    "an unknown field of a dashboard": lambda document: document.update(style="dark"),
    "an unknown field of a variable": lambda document: document["templating"]["list"][0].update(
        auto=True
    ),
    "a variable of no known type": lambda document: document["templating"]["list"][0].update(
        type="choice"
    ),
    "a link without a title": lambda document: document["links"][0].pop("title"),
    "an annotation that asks nothing": lambda document: document["annotations"]["list"][0].pop(
        "target"
    ),
    "no version of the schema": lambda document: document.pop("schemaVersion"),
    "an unknown field of a panel": plant("colour", "red"),
    "a panel of another type": plant("type", "graph"),
    "a panel without options": forget("options"),
    "a panel that asks nothing": forget("targets"),
    "another panel's options": plant("options.showHeader", True),
    "a legend in no known place": plant("options.legend.placement", "top"),
    "a stacking that there is not": plant("fieldConfig.defaults.custom.stacking.mode", "piled"),
    "a unit that is a number": plant("fieldConfig.defaults.unit", 1),
    "an override of nothing known": plant("fieldConfig.overrides.0.properties.0.id", "colour"),
    "a colour without a mode": plant("fieldConfig.overrides.0.properties.0.value", {}),
    "a query without an expression": plant("targets.0", {"refId": "A"}),
    "an unknown field of a query": plant("targets.0.query", "up"),
    "a place that is a word": plant("gridPos.x", "left"),
    "a table with a chart's legend": plant("options.legend", {}, "table"),
    "a row that is not said to be open": forget("collapsed", "row"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_refused(mistake: str) -> None:
    document = deepcopy(DOCUMENTS["switch"])
    MISTAKES[mistake](document)
    assert not BOARD.is_valid(document)


def test_it_is_the_schema_of_the_grafana_in_the_chart() -> None:
    values = RULES.parents[1] / "charts" / "bandstand" / "values.yaml"
    installed = yaml.safe_load(values.read_text())["grafana"]["image"]["tag"]
    made_from = json.loads((FOLDER / "schema" / "package.json").read_text())
    known = made_from["devDependencies"]["@grafana/schema"]
    assert known.split(".")[:2] == installed.split(".")[:2]
