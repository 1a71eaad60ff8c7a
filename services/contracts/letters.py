"""What is on the dead-letter topics: the letters, and what became of them."""

from __future__ import annotations

from typing import Any

import msgspec

from services.contracts.schemas import Schema
from services.kit.dead_letters import (
    LETTER,
    ORIGINAL_OFFSET,
    ORIGINAL_PARTITION,
    ORIGINAL_TOPIC,
    READER,
    REASON,
    RESOLUTION,
    Resolution,
    Resolved,
)
from services.kit.wire import REPLAY

KINDS = ("DeadLetter", "DeadLetterResolution")
_NUMBER = {"type": "string", "pattern": "^[0-9]+$"}
_TEXT = {"type": "string"}


def letter_messages() -> dict[str, Any]:
    letter = {
        "name": "DeadLetter",
        "summary": "The original with its headers, who could not handle it, and why",
        "headers": {"$ref": "#/components/schemas/DeadLetterHeaders"},
        "payload": {"description": "Whatever was sent"},
    }
    resolution = {
        "name": "DeadLetterResolution",
        "summary": "What became of a dead letter; the key is the letter's id",
        "headers": {"$ref": "#/components/schemas/DeadLetterResolutionHeaders"},
        "payload": {"$ref": "#/components/schemas/Resolution"},
    }
    return {"DeadLetter": letter, "DeadLetterResolution": resolution}


def letter_schemas() -> dict[str, Schema]:
    """A letter without a reader or an id of its own was written by an older version."""
    _, found = msgspec.json.schema_components(
        [Resolution], ref_template="#/components/schemas/{name}"
    )
    resolved = {"type": "string", "enum": [each.value for each in Resolved]}
    return {
        "DeadLetterHeaders": _headers(_LETTER, [REASON, ORIGINAL_TOPIC]),
        "DeadLetterResolutionHeaders": _headers({RESOLUTION: resolved}, [RESOLUTION]),
        **found,
    }


_LETTER: dict[str, Schema] = {
    REASON: _TEXT,
    ORIGINAL_TOPIC: _TEXT,
    ORIGINAL_PARTITION: _NUMBER,
    ORIGINAL_OFFSET: _NUMBER,
    READER: {**_TEXT, "description": "Who could not handle it"},
    LETTER: {**_TEXT, "description": "The letter's id"},
    REPLAY: {**_TEXT, "description": "<reader>/<dead letter> that this is a replay of"},
}


def _headers(properties: dict[str, Schema], required: list[str]) -> Schema:
    return {"type": "object", "properties": properties, "required": required}
