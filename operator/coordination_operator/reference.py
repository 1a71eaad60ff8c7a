"""The generated parts of docs/operator.md: the state machine, fields, metrics, templates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from prometheus_client.metrics import MetricWrapperBase

from coordination_operator.phases import MEANING, TRANSITIONS, VALID, Phase
from coordination_operator.policy_schema import POLICY
from coordination_operator.schema import COORDINATION
from coordination_operator.settings import PREFIX, Settings
from coordination_operator.structural import Custom, Schema, object_schema
from coordination_operator.telemetry import Metrics
from coordination_operator.templates import READY_MADE, ReadyMade

# What a spec may have is said there, not once more where a status repeats it.
REPEATED = ("status.accepted.rules", "status.proposed.rules")
BOUNDS = {"minimum": "at least {}", "maximum": "at most {}", "maxItems": "at most {} of them"}


def parts() -> dict[str, str]:
    return {
        "state machine": mermaid(),
        "phases": phases(),
        "spec": fields(COORDINATION, "spec"),
        "status": fields(COORDINATION, "status"),
        "rules": rules(COORDINATION),
        "policy spec": fields(POLICY, "spec"),
        "policy status": fields(POLICY, "status"),
        "policy rules": rules(POLICY),
        "templates": templates(),
        "operator metrics": metrics(),
        "operator settings": settings(),
    }


def mermaid() -> str:
    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {Phase.STABLE}"]
    for phase, ways in TRANSITIONS.items():
        lines += [f"    {phase} --> {to}: {why}" for to, why in ways.items()]
    return "\n".join([*lines, "```", ""])


def phases() -> str:
    rows = (
        (f"`{phase}`", MEANING[phase], ", ".join(f"`{command}`" for command in VALID[phase]))
        for phase in Phase
    )
    return _table(("phase", "meaning", "annotations that are valid"), rows)


def fields(custom: Custom, part: str) -> str:
    rows = _fields(object_schema(custom)["properties"][part], part)
    return _table(("field", "type", "default", "meaning"), rows)


def rules(custom: Custom) -> str:
    found = custom.rules.items()
    rows = ((f"`{path or 'metadata'}`", said) for path, all_ in found for _, said in all_)
    return _table(("about", "otherwise it is refused with"), rows)


def templates() -> str:
    rows = ((f"`{name}`", ready.meaning, _allowed(ready)) for name, ready in READY_MADE.items())
    return _table(("template", "what it measures", "allowed, unless you say otherwise"), rows)


def metrics() -> str:
    found = [each for each in vars(Metrics()).values() if isinstance(each, MetricWrapperBase)]
    rows = []
    for metric in found:
        described = next(iter(metric.describe()))
        name = described.name + ("_total" if described.type == "counter" else "")
        labels = ", ".join(f"`{label}`" for label in metric._labelnames)
        rows.append((f"`{name}`", described.type, labels, described.documentation))
    return _table(("metric", "type", "labels", "meaning"), sorted(rows))


def settings() -> str:
    _, components = msgspec.json.schema_components([Settings])
    schema = components[Settings.__name__]
    rows = (
        (
            f"`{PREFIX}{name.upper()}`",
            _default(about, name in schema["required"]),
            about["description"],
        )
        for name, about in schema["properties"].items()
    )
    return _table(("variable", "default", "meaning"), rows)


def _fields(schema: Schema, path: str) -> Iterator[tuple[str, str, str, str]]:
    required = schema.get("required", [])
    for name, about in schema.get("properties", {}).items():
        here = f"{path}.{name}"
        yield f"`{here}`", _type(about), _field_default(about, name in required), _meaning(about)
        yield from _fields(about, here)
        if here not in REPEATED:
            yield from _fields(about.get("items", {}), f"{here}[]")


def _type(about: Schema) -> str:
    if "enum" in about:
        return ", ".join(f"`{value}`" for value in about["enum"])
    if about.get("format") == "date-time":
        return "time"
    return "duration" if "ms|s|m|h" in about.get("pattern", "") else str(about["type"])


def _field_default(about: Schema, required: bool) -> str:
    if required:
        return "required"
    plain = "default" in about and not isinstance(about["default"], dict | list | tuple)
    return f"`{_said(about['default'])}`" if plain and about["default"] != "" else ""


def _said(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _meaning(about: Schema) -> str:
    bounds = [text.format(about[word]) for word, text in BOUNDS.items() if word in about]
    said = about.get("description", "").replace("\n", " ")
    return f"{said} ({', '.join(bounds)})" if bounds else said


def _default(about: Schema, required: bool) -> str:
    if required:
        return "required"
    return f"`{about['default']}`" if about["default"] != "" else "empty"


def _allowed(ready: ReadyMade) -> str:
    if ready.allowed is not None:
        return f"at most {ready.allowed.max:g} {ready.unit}".strip()
    assert ready.compare is not None
    return f"{ready.compare.max_ratio:g} × the stable mode's + {ready.compare.tolerance:g}"


def _table(head: Sequence[str], rows: Any) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(map(_cell, line))} |\n" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
