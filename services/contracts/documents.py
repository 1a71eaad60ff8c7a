"""All documents that are generated, by their path in the repository."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from services.contracts.asyncapi import asyncapi
from services.contracts.compatibility import broken_api, broken_messages
from services.contracts.headers import headers_schema
from services.contracts.openapi import openapi
from services.contracts.schemas import body_schema
from services.contracts.tables import metrics_table, renewed, settings_table
from services.contracts.values import values_table
from services.kit.bootstrap import EVERY_SERVICE
from services.messages import KINDS
from services.provision.permits import permits_table

ASYNCAPI = Path("contracts/asyncapi.json")
OPENAPI = Path("contracts/openapi")
MESSAGES = Path("contracts/messages")
TABLES = {
    Path("docs/configuration.md"): ("settings", settings_table),
    Path("docs/metrics.md"): ("metrics", metrics_table),
    Path("docs/values.md"): ("values", values_table),
    Path("docs/cluster.md"): ("permits", permits_table),
}

Documents = Mapping[Path, str]
Comparison = Callable[[dict[str, Any], dict[str, Any]], Iterator[str]]


def contracts() -> Documents:
    schemas = {MESSAGES / f"{kind.__name__}.json": _json(body_schema(kind)) for kind in KINDS}
    apis = {OPENAPI / f"{service}.json": _json(openapi(service)) for service in EVERY_SERVICE}
    headers = {MESSAGES / "headers.json": _json(headers_schema())}
    return {ASYNCAPI: _json(asyncapi()), **apis, **headers, **schemas}


def tables(root: Path) -> Documents:
    return {
        path: renewed((root / path).read_text(), name, table())
        for path, (name, table) in TABLES.items()
    }


def committed(root: Path) -> Documents:
    """What is there now, also what should not be."""
    found = [*(root / "contracts").rglob("*.json"), *(root / path for path in TABLES)]
    return {path.relative_to(root): path.read_text() for path in sorted(found)}


def drift(old: Documents, new: Documents) -> Iterator[str]:
    for path in sorted(old.keys() | new.keys()):
        if old.get(path) != new.get(path):
            yield f"{path} is not what the code says"


def breaks(old: Documents, new: Documents) -> Iterator[str]:
    """A new line of versions is a new contract, and may break the old one."""
    for path in sorted(old.keys() & new.keys()):
        compare = _comparison(path)
        if compare is None:
            continue
        was, now = json.loads(old[path]), json.loads(new[path])
        if _line(was) == _line(now):
            yield from (f"{path.stem}: {text}" for text in compare(was, now))


def _comparison(path: Path) -> Comparison | None:
    if path == ASYNCAPI:
        return broken_messages
    return broken_api if path.parent == OPENAPI else None


def _line(document: dict[str, Any]) -> str:
    """The versions that promise to get along: 1.x, or 0.1.x before there is a 1.0."""
    major, minor, _ = document["info"]["version"].split(".")
    return f"0.{minor}" if major == "0" else str(major)


def _json(document: object) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
