"""The headers of every message, as a schema: CloudEvents 1.0, Kafka binary binding."""

from __future__ import annotations

from typing import Any

from services.kit.message import Mode
from services.kit.wire import REPLAY, REPLAY_PATTERN, REQUIRED

UUID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def headers_schema() -> dict[str, Any]:
    """Header values are UTF-8 text. What is required here is required by every reader."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Headers",
        "description": "CloudEvents 1.0 in Kafka's binary binding, and W3C Trace Context.",
        "type": "object",
        "properties": {name: {"type": "string", **about} for name, about in _HEADERS.items()},
        "required": list(REQUIRED),
    }


_HEADERS: dict[str, dict[str, Any]] = {
    "ce_specversion": {"enum": ["1.0"]},
    "ce_id": {
        "description": "<order id>:<type>:<attempt>; a resend has the same one",
        "pattern": f"^{UUID}:[A-Za-z]{{1,64}}:[1-9][0-9]{{0,8}}$",
    },
    "ce_type": {"description": "The message's name in this document"},
    "ce_source": {"description": "The service that sent it"},
    "ce_subject": {"description": "The order's id; also the key", "pattern": f"^{UUID}$"},
    "ce_time": {"description": "When it was composed, in UTC", "format": "date-time"},
    "ce_mode": {
        "description": "Who coordinates this saga, from its admission to its end",
        "enum": [mode.value for mode in Mode],
    },
    "ce_epoch": {
        "description": "The routing decision that admitted this saga",
        "pattern": "^[0-9]+$",
    },
    "content-type": {"enum": ["application/json"]},
    "traceparent": {"description": "W3C Trace Context: the span that sent it"},
    "tracestate": {"description": "W3C Trace Context"},
    "baggage": {
        "description": "W3C Baggage: `saga.id`, `saga.mode`, and what the order's caller gave"
    },
    REPLAY: {
        "description": "<reader>/<dead letter>: sent again, for this reader alone",
        "pattern": f"^{REPLAY_PATTERN}$",
    },
}
