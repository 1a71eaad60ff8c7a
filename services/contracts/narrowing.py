"""Whether a schema still takes all that another one took; otherwise, where it does not.

Conservative: a keyword that is not understood here counts as narrowed when it is new or changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]
Document = Mapping[str, Any]

TELLING = {"title", "description", "default", "example", "examples", "deprecated", "$schema"}
STRUCTURE = {"type", "enum", "const", "anyOf", "properties", "required", "items", "$defs"}
FLOORS = {"minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"}
CEILINGS = {"maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"}
UNDERSTOOD = TELLING | STRUCTURE | FLOORS | CEILINGS | {"additionalProperties"}


def narrowed(where: str, old: Document, was: Schema, new: Document, now: Schema) -> Iterator[str]:
    """`old` and `new` are the documents that `$ref`s in `was` and `now` point into."""
    was, now = resolve(old, was), resolve(new, now)
    if "anyOf" in was or "anyOf" in now:
        yield from _narrowed_choice(where, old, was, new, now)
        return
    yield from _narrowed_type(where, was, now)
    yield from _narrowed_range(where, was, now)
    yield from _narrowed_object(where, old, was, new, now)
    if "items" in now:
        yield from narrowed(f"{where}[]", old, was.get("items", {}), new, now["items"])
    for keyword in sorted(now.keys() - UNDERSTOOD):
        if was.get(keyword) != now[keyword]:
            yield f"{where}: {keyword} is now {now[keyword]!r}"


def resolve(document: Document, schema: Schema) -> Schema:
    while "$ref" in schema:
        found: Any = document
        for part in schema["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        schema = found
    return schema


def properties(schema: Schema) -> Mapping[str, Schema]:
    found: Mapping[str, Schema] = schema.get("properties", {})
    return found


def _narrowed_choice(
    where: str, old: Document, was: Schema, new: Document, now: Schema
) -> Iterator[str]:
    """Each alternative that there was must be taken by one that there is."""
    alternatives = now.get("anyOf", [now])
    for one in was.get("anyOf", [was]):
        found = [list(narrowed(where, old, one, new, other)) for other in alternatives]
        if all(found):
            yield from min(found, key=len)


def _narrowed_type(where: str, was: Schema, now: Schema) -> Iterator[str]:
    if "type" in now and not _types(was) <= _types(now):
        yield f"{where}: is now {now['type']!r}, was {was.get('type', 'anything')!r}"
    if "enum" in now or "const" in now:
        before, after = _values(was), _values(now) or []
        gone = [repr(value) for value in before or [] if value not in after]
        if before is None or gone:
            yield f"{where}: no longer takes {', '.join(gone) or 'anything else'}"


def _narrowed_range(where: str, was: Schema, now: Schema) -> Iterator[str]:
    for keyword in sorted((FLOORS | CEILINGS) & now.keys()):
        before, after = was.get(keyword), now[keyword]
        rises = keyword in FLOORS
        if before is None or (after > before if rises else after < before):
            yield f"{where}: {keyword} is now {after}"


def _narrowed_object(
    where: str, old: Document, was: Schema, new: Document, now: Schema
) -> Iterator[str]:
    for field in now.get("required", ()):
        if field not in was.get("required", ()):
            yield f"{where}.{field}: is now required"
    before, after = properties(was), properties(now)
    for field in sorted(before.keys() & after.keys()):
        yield from narrowed(f"{where}.{field}", old, before[field], new, after[field])
    yield from _closed(where, was, now)


def _closed(where: str, was: Schema, now: Schema) -> Iterator[str]:
    """A closed object refuses the fields that it no longer knows."""
    before, after = (each.get("additionalProperties", True) for each in (was, now))
    if after not in (True, before):
        yield f"{where}: no longer takes all other fields"
    if after is not False or before is not False:
        return
    for field in sorted(properties(was).keys() - properties(now).keys()):
        yield f"{where}.{field}: is no longer taken"


def _types(schema: Schema) -> set[str]:
    """All types if nothing is said; a number may be an integer."""
    said = schema.get("type")
    if said is None:
        values = _values(schema)
        if values is None:
            return {"string", "integer", "number", "boolean", "object", "array", "null"}
        return {_type_of(value) for value in values}
    types = {said} if isinstance(said, str) else set(said)
    return types | ({"integer"} if "number" in types else set())


def _values(schema: Schema) -> list[Any] | None:
    if "const" in schema:
        return [schema["const"]]
    found: list[Any] | None = schema.get("enum")
    return found


def _type_of(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return "null" if value is None else "boolean"
    if isinstance(value, str):
        return "string"
    return "integer" if isinstance(value, int) else "number"
