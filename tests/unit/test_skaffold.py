"""skaffold.yaml against Skaffold's published schema, which SKAFFOLD_SCHEMA names."""

from __future__ import annotations

import json
import os
from pathlib import Path

import jsonschema_rs
import yaml

from tests.tools import lacking

ROOT = Path(__file__).parents[2]


def skaffold() -> dict[str, object]:
    loaded: dict[str, object] = yaml.safe_load((ROOT / "skaffold.yaml").read_text())
    return loaded


def test_it_is_valid() -> None:
    schema = os.environ.get("SKAFFOLD_SCHEMA")
    if not schema:
        lacking("SKAFFOLD_SCHEMA names no copy of Skaffold's v4beta13 schema")
    found = jsonschema_rs.validator_for(json.loads(Path(schema).read_text())).iter_errors(
        skaffold()
    )
    assert [error.message for error in found] == []


def test_what_it_names_is_there() -> None:
    text = (ROOT / "skaffold.yaml").read_text()
    for name in ("Dockerfile", "charts/bandstand", "charts/bandstand/values-kind.yaml"):
        assert name in text
        assert (ROOT / name).exists()
