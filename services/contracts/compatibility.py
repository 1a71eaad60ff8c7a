"""Which changes of a contract break somebody, as sentences; no sentence means compatible.

Messages outlive the process that wrote them: they wait in topics, outboxes and parkings, and old
and new replicas read each other's during a rollout. So what was valid must stay valid, and what a
reader was promised must go on being sent. A field is dropped in two releases: first nobody
requires it, then nobody sends it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from services.contracts.narrowing import Document, Schema, narrowed, properties, resolve

METHODS = ("get", "put", "post", "patch", "delete")


def broken_messages(old: Document, new: Document) -> Iterator[str]:
    """Between two AsyncAPI documents."""
    before, after = old["components"]["messages"], new["components"]["messages"]
    for name in before:
        if name not in after:
            yield f"{name}: the message is gone"
    for name in before.keys() & after.keys():
        for part in ("headers", "payload"):
            yield from _broken_part(f"{name} {part}", old, before[name], new, after[name], part)
    for topic in old["channels"]:
        yield from _moved(topic, old["channels"][topic], new["channels"].get(topic))


def broken_api(old: Document, new: Document) -> Iterator[str]:
    """Between two OpenAPI documents: old clients must get along with the new service."""
    for path, operations in old["paths"].items():
        for method in operations.keys() & set(METHODS):
            name = f"{method.upper()} {path}"
            now = new["paths"].get(path, {}).get(method)
            if now is None:
                yield f"{name}: the operation is gone"
            else:
                yield from _broken_operation(name, old, operations[method], new, now)


def _broken_part(
    where: str, old: Document, before: Schema, new: Document, after: Schema, part: str
) -> Iterator[str]:
    was, now = before[part], after[part]
    yield from narrowed(where, old, was, new, now)
    yield from _gone(where, old, was, new, now)


def _gone(where: str, old: Document, was: Schema, new: Document, now: Schema) -> Iterator[str]:
    """Fields that old readers require and new writers do not know."""
    was, now = resolve(old, was), resolve(new, now)
    before, after = properties(was), properties(now)
    for field in was.get("required", ()):
        if field not in after:
            yield f"{where}.{field}: was required and is gone"
    for field in before.keys() & after.keys():
        yield from _gone(f"{where}.{field}", old, before[field], new, after[field])
    if "items" in was and "items" in now:
        yield from _gone(f"{where}[]", old, was["items"], new, now["items"])


def _moved(topic: str, was: Schema, now: Schema | None) -> Iterator[str]:
    if now is None:
        yield f"{topic}: the topic is gone"
        return
    for name in was["messages"].keys() - now["messages"].keys():
        yield f"{topic}: {name} is no longer on it"


def _broken_operation(
    name: str, old: Document, was: Schema, new: Document, now: Schema
) -> Iterator[str]:
    before, after = _parameters(was), _parameters(now)
    for key, parameter in after.items():
        if key in before:
            schemas = before[key]["schema"], parameter["schema"]
            yield from narrowed(f"{name} {key}", old, schemas[0], new, schemas[1])
        if parameter.get("required") and not before.get(key, {}).get("required"):
            yield f"{name} {key}: is now required"
    asked, asks = _body(was.get("requestBody")), _body(now.get("requestBody"))
    if asked and asks:
        yield from narrowed(f"{name} request", old, asked, new, asks)
    elif asks:
        yield f"{name} request: a body is now required"
    yield from _broken_answers(name, old, was, new, now)


def _broken_answers(
    name: str, old: Document, was: Schema, new: Document, now: Schema
) -> Iterator[str]:
    """An answer goes the other way: what is said now must be what was promised."""
    for status, answer in was["responses"].items():
        if not status.startswith("2"):
            continue
        told = _body(answer)
        tells = _body(now["responses"].get(status))
        if told and not tells:
            yield f"{name} {status}: the answer is gone"
        elif told and tells:
            where = f"{name} {status}, as old clients read it"
            yield from narrowed(where, new, tells, old, told)


def _parameters(operation: Schema) -> Mapping[str, Any]:
    return {f"{each['in']} {each['name']}": each for each in operation.get("parameters", ())}


def _body(holder: Schema | None) -> Schema | None:
    content = (holder or {}).get("content", {})
    schema: Schema | None = content.get("application/json", {}).get("schema")
    return schema
