"""Every message has an example, which the schema and a service's reader both take."""

from __future__ import annotations

import json
from typing import Any

import jsonschema_rs
import pytest

from services.contracts.examples import BODIES, example
from services.contracts.headers import headers_schema
from services.contracts.schemas import body_schema
from services.kit import wire
from services.kit.message import MalformedMessage, Vocabulary
from services.messages import KINDS, vocabulary

Document = dict[str, Any]


def test_every_message_has_one_example() -> None:
    assert [type(body) for body in BODIES] == list(KINDS)


@pytest.mark.parametrize("body", BODIES, ids=lambda body: type(body).__name__)
def test_examples_keep_the_contract(body: Any) -> None:
    shown = example(body)
    jsonschema_rs.validate(body_schema(type(body)), shown["payload"])
    jsonschema_rs.validate(headers_schema(), shown["headers"])


@pytest.mark.parametrize("body", BODIES, ids=lambda body: type(body).__name__)
def test_examples_can_be_read_by_a_service(body: Any) -> None:
    shown = example(body)
    assert read_by_a_service(shown["headers"], shown["payload"], vocabulary()) == body


@pytest.mark.parametrize("name", wire.REQUIRED)
def test_a_header_is_required_exactly_if_readers_require_it(name: str) -> None:
    shown = example(BODIES[0])
    del shown["headers"][name]
    assert not jsonschema_rs.is_valid(headers_schema(), shown["headers"])
    with pytest.raises(MalformedMessage, match=name):
        read_by_a_service(shown["headers"], shown["payload"], vocabulary())


@pytest.mark.parametrize("name", ["ce_specversion", "content-type", "traceparent"])
def test_other_headers_can_be_missing(name: str) -> None:
    shown = example(BODIES[0])
    del shown["headers"][name]
    jsonschema_rs.validate(headers_schema(), shown["headers"])
    read_by_a_service(shown["headers"], shown["payload"], vocabulary())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ce_id", "3f0e1c52:OrderPlaced:1"),
        ("ce_id", "3f0e1c52-9d1b-4c77-a6b5-2f4a8f6d7c10:OrderPlaced:0"),
        ("ce_mode", "karaoke"),
        ("ce_epoch", "first"),
    ],
)
def test_what_the_headers_schema_refuses_readers_refuse(name: str, value: str) -> None:
    shown = example(BODIES[0])
    shown["headers"][name] = value
    assert not jsonschema_rs.is_valid(headers_schema(), shown["headers"])
    with pytest.raises(MalformedMessage):
        read_by_a_service(shown["headers"], shown["payload"], vocabulary())


def read_by_a_service(headers: dict[str, str], payload: Document, words: Vocabulary) -> Any:
    raw = [(name, value.encode()) for name, value in headers.items()]
    return words.body(wire.from_record("any.events", raw, json.dumps(payload).encode()))
