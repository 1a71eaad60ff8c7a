"""A custom resource's definition: structs as a structural schema, and rules across fields.

The API server refuses what is here refused, with these messages; nothing is checked again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from coordination_operator.resources import GROUP, VERSION

Schema = dict[str, Any]

# What tells the items of a list apart.
KEYS: Final = {
    "conditions": ["type"],
    "metrics": ["name"],
    "points": ["service", "instance"],
    "rules": ["name"],
}


@dataclass(frozen=True, eq=False)
class Custom:
    """`rules` are by the path of the field that they are about: a CEL rule, and what is said when
    it is broken. What is `unfilled` has a default that the API server does not write down."""

    kind: str
    plural: str
    short: str
    description: str
    spec: type
    status: type
    rules: Mapping[str, tuple[tuple[str, str], ...]]
    columns: tuple[tuple[str, str, str, str, int], ...]
    unfilled: frozenset[str] = frozenset()


def definition(custom: Custom) -> Schema:
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{custom.plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": custom.kind,
                "listKind": f"{custom.kind}List",
                "plural": custom.plural,
                "singular": custom.kind.lower(),
                "shortNames": [custom.short],
                "categories": ["bandstand"],
            },
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "subresources": {"status": {}},
                    "additionalPrinterColumns": [_column(*each) for each in custom.columns],
                    "schema": {"openAPIV3Schema": object_schema(custom)},
                }
            ],
        },
    }


def object_schema(custom: Custom) -> Schema:
    shapes = _Shapes(custom)
    return {
        "description": custom.description,
        "type": "object",
        "required": ["spec"],
        "properties": {
            "spec": shapes.structural(custom.spec, "spec"),
            "status": without_defaults(shapes.structural(custom.status, "status")),
        },
        **shapes.rules(""),
    }


def without_defaults(schema: Schema) -> Schema:
    """Of a status nothing is filled in: what is not there was not said."""
    if not isinstance(schema, dict):
        return schema
    return {key: without_defaults(value) for key, value in schema.items() if key != "default"}


class _Shapes:
    """Kubernetes knows no references, no null, no titles and no closed objects."""

    def __init__(self, custom: Custom) -> None:
        self._custom = custom
        self._definitions: Schema = {}

    def structural(self, shape: type, path: str) -> Schema:
        schema = msgspec.json.schema(shape)
        self._definitions = schema["$defs"]
        return self._inlined(schema, path)

    def rules(self, path: str) -> Schema:
        rules = [{"rule": rule, "message": said} for rule, said in self._custom.rules.get(path, ())]
        return {"x-kubernetes-validations": rules} if rules else {}

    def _inlined(self, schema: Schema, path: str) -> Schema:
        own = {key: value for key, value in schema.items() if key not in _UNKNOWN}
        if reference := schema.get("$ref"):
            own = {**self._definitions[reference.rpartition("/")[2]], **own}
            own = {key: value for key, value in own.items() if key not in _UNKNOWN}
        if alternatives := own.pop("anyOf", None):
            (only,) = (each for each in alternatives if each != {"type": "null"})
            return self._inlined({**only, **_without_null(own)}, path)
        if path in self._custom.unfilled:
            own.pop("default", None)
        return {**_typed(_bounded(self._within(own, path))), **self.rules(path)}

    def _within(self, schema: Schema, path: str) -> Schema:
        if "properties" in schema:
            schema["properties"] = {
                name: self._inlined(each, f"{path}.{name}")
                for name, each in schema["properties"].items()
            }
            if not schema.get("required"):
                schema.pop("required", None)
        if "items" in schema:
            schema["items"] = self._inlined(schema["items"], f"{path}[]")
            if (
                keys := KEYS.get(path.rpartition(".")[2])
                if "properties" in schema["items"]
                else None
            ):
                schema |= {
                    "x-kubernetes-list-type": "map",
                    "x-kubernetes-list-map-keys": list(keys),
                }
        return _without_null(schema)


_UNKNOWN: Final = ("$ref", "$defs", "title", "additionalProperties")


def _typed(schema: Schema) -> Schema:
    return {**schema, "type": "string"} if "enum" in schema else schema


def _bounded(schema: Schema) -> Schema:
    """More than so much is a word of its own in JSON Schema, and two in OpenAPI 3.0."""
    if "exclusiveMinimum" not in schema:
        return schema
    return {**schema, "minimum": schema["exclusiveMinimum"], "exclusiveMinimum": True}


def _without_null(schema: Schema) -> Schema:
    """No default is what None stands for."""
    if "default" in schema and schema["default"] is None:
        return {key: value for key, value in schema.items() if key != "default"}
    return schema


def _column(name: str, kind: str, path: str, about: str, priority: int) -> Schema:
    """Without what is empty: Helm and kubectl apply the same, and do not quarrel about it."""
    column = {"name": name, "type": kind, "jsonPath": path}
    extra = {"description": about, "priority": priority}
    return column | {key: value for key, value in extra.items() if value}
