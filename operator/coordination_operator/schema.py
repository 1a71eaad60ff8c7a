"""The custom resource's definition: the structs as a structural schema, and rules across fields.

The API server refuses what is here refused, with these messages; nothing is checked again.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from coordination_operator.resources import (
    GROUP,
    KIND,
    NAME,
    PLURAL,
    VERSION,
    CoordinationSpec,
)
from coordination_operator.status import CoordinationStatus

Schema = dict[str, Any]

# By the path of the field that they are about: a CEL rule, and what is said when it is broken.
RULES: Final[dict[str, tuple[tuple[str, str], ...]]] = {
    "": (
        (
            f"self.metadata.name == '{NAME}'",
            f"a namespace has one order process, so its Coordination is called {NAME}",
        ),
    ),
    "spec": (
        (
            "size(self.analysis.metrics) == 0 || self.rollout.steps.exists(s, s.weight < 100)",
            "metrics need a step below 100 at which they can be judged",
        ),
        (
            "duration(self.analysis.interval) < duration(self.rollout.progressDeadline)",
            "analysis.interval must be shorter than rollout.progressDeadline",
        ),
    ),
    "spec.rollout": (
        (
            "self.steps.map(s, s.weight).isSorted() && "
            "self.steps.all(s, self.steps.filter(t, t.weight == s.weight).size() == 1)",
            "the weights of the steps must ascend",
        ),
        (
            "self.steps.all(s, duration(s.minDuration) < duration(self.progressDeadline))",
            "every step's minDuration must be shorter than progressDeadline",
        ),
    ),
    "spec.rollout.steps[]": (
        (
            "self.minSagas <= self.weight * 100",
            "minSagas can be 100 times the weight at most: of a step's first 20,000 sagas",
        ),
    ),
    "spec.analysis": (
        ("duration(self.interval) >= duration('1s')", "interval must be 1s or longer"),
        ("duration(self.window) >= duration('1s')", "window must be 1s or longer"),
    ),
    "spec.analysis.metrics[]": (
        ("has(self.template) != has(self.query)", "either a template or a query is needed"),
        (
            "!has(self.query) || has(self.compare) || has(self.thresholdRange)",
            "a query needs bounds: compare or thresholdRange",
        ),
        (
            "!has(self.query) || !has(self.compare) || self.query.contains('$mode')",
            "to compare two modes the query must have $mode in it",
        ),
    ),
    "spec.analysis.metrics[].thresholdRange": (
        ("has(self.min) || has(self.max)", "min, max or both are needed"),
        (
            "!has(self.min) || !has(self.max) || self.min <= self.max",
            "min must not be above max",
        ),
    ),
}

COLUMNS: Final = (
    ("Mode", "string", ".status.activeMode", "Who is active: trusted with everything", 0),
    ("Target", "string", ".spec.mode", "Who is asked for", 0),
    ("Weight", "integer", ".status.weight", "Percent of new sagas that the target gets", 0),
    ("Phase", "string", ".status.phase", "Where the switch is", 0),
    ("InFlight", "integer", ".status.inFlight.total", "Open sagas of both modes", 0),
    ("Ready", "string", '.status.conditions[?(@.type=="Ready")].status', "", 0),
    ("Waiting", "string", ".status.message", "What is waited for", 1),
    ("Age", "date", ".metadata.creationTimestamp", "", 0),
)


def definition() -> Schema:
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{PLURAL}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": KIND,
                "listKind": f"{KIND}List",
                "plural": PLURAL,
                "singular": KIND.lower(),
                "shortNames": ["coord"],
                "categories": ["bandstand"],
            },
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "subresources": {"status": {}},
                    "additionalPrinterColumns": [_column(*each) for each in COLUMNS],
                    "schema": {"openAPIV3Schema": object_schema()},
                }
            ],
        },
    }


def object_schema() -> Schema:
    return {
        "description": "Who coordinates new sagas, and how it is switched.",
        "type": "object",
        "required": ["spec"],
        "properties": {
            "spec": structural(CoordinationSpec, "spec"),
            "status": without_defaults(structural(CoordinationStatus, "status")),
        },
        **_rules(""),
    }


def structural(shape: type, path: str) -> Schema:
    """Kubernetes knows no references, no null and no titles."""
    schema = msgspec.json.schema(shape)
    return _inlined(schema, schema["$defs"], path)


def without_defaults(schema: Schema) -> Schema:
    """Of a status nothing is filled in: what is not there was not said."""
    if not isinstance(schema, dict):
        return schema
    return {key: without_defaults(value) for key, value in schema.items() if key != "default"}


def _inlined(schema: Schema, definitions: Schema, path: str) -> Schema:
    own = {key: value for key, value in schema.items() if key not in ("$ref", "$defs", "title")}
    if reference := schema.get("$ref"):
        own = {**definitions[reference.rpartition("/")[2]], **own}
        own.pop("title", None)
    if alternatives := own.pop("anyOf", None):
        (only,) = (each for each in alternatives if each != {"type": "null"})
        return _inlined({**only, **_without_null(own)}, definitions, path)
    return {**_typed(_within(own, definitions, path)), **_rules(path)}


def _within(schema: Schema, definitions: Schema, path: str) -> Schema:
    if "properties" in schema:
        schema["properties"] = {
            name: _inlined(each, definitions, f"{path}.{name}")
            for name, each in schema["properties"].items()
        }
        if not schema.get("required"):
            schema.pop("required", None)
    if "items" in schema:
        schema["items"] = _inlined(schema["items"], definitions, f"{path}[]")
    if path.endswith((".metrics", ".conditions")):
        key = "type" if path.endswith(".conditions") else "name"
        schema |= {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [key]}
    return _without_null(schema)


def _typed(schema: Schema) -> Schema:
    return {**schema, "type": "string"} if "enum" in schema else schema


def _without_null(schema: Schema) -> Schema:
    """No default is what None stands for."""
    if "default" in schema and schema["default"] is None:
        return {key: value for key, value in schema.items() if key != "default"}
    return schema


def _rules(path: str) -> Schema:
    rules = [{"rule": rule, "message": message} for rule, message in RULES.get(path, ())]
    return {"x-kubernetes-validations": rules} if rules else {}


def _column(name: str, kind: str, path: str, about: str, priority: int) -> Schema:
    """Without what is empty: Helm and kubectl apply the same, and do not quarrel about it."""
    column = {"name": name, "type": kind, "jsonPath": path}
    extra = {"description": about, "priority": priority}
    return column | {key: value for key, value in extra.items() if value}
