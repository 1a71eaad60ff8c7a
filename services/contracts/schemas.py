"""Each message's body as a JSON Schema of its own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from services.kit.message import Body

Schema = dict[str, Any]
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def body_schema(kind: type[Body]) -> Schema:
    """Self-contained: what it refers to is in its `$defs`."""
    schema = components([kind], "#/$defs/{name}")
    own = schema.pop(kind.__name__)
    return {"$schema": DIALECT, **own, **({"$defs": schema} if schema else {})}


def components(kinds: Iterable[type[Body]], template: str) -> dict[str, Schema]:
    """The bodies and what they are made of, by name."""
    _, found = msgspec.json.schema_components(kinds, ref_template=template)
    return found
