"""The message contract as one AsyncAPI 3 document: every topic, who sends and who hears."""

from __future__ import annotations

from typing import Any

from services.contracts.examples import BODIES, example
from services.contracts.flows import BOTH, Flow, flows
from services.contracts.headers import headers_schema
from services.contracts.letters import KINDS as LETTERS
from services.contracts.letters import letter_messages, letter_schemas
from services.contracts.policies import (
    CHANNELS,
    policy_flows,
    policy_messages,
    policy_schemas,
)
from services.contracts.schemas import Schema, components
from services.kit.bootstrap import EVERY_SERVICE
from services.kit.dead_letters import topic_of_letters
from services.kit.message import Body, Command, Mode
from services.kit.topics import topics_in
from services.messages import KINDS

VERSION = "0.2.0"
KAFKA = "0.5.0"

_ABOUT = (
    "Commands and events of the order process. A message's key is the order's id, its value is "
    "JSON, its headers are CloudEvents 1.0 in Kafka's binary binding. Events have a topic for each "
    "mode; whoever wants all facts reads both. Unknown fields are ignored, an unknown type is "
    "skipped, what cannot be read goes to the reader's dead-letter topic."
)


def asyncapi() -> dict[str, Any]:
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "bandstand",
            "version": VERSION,
            "description": _ABOUT,
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": _channels(),
        "operations": _operations(),
        "components": {"messages": _messages(), "schemas": _schemas()},
    }


def _channels() -> dict[str, Any]:
    by_topic: dict[str, list[str]] = {
        topic_of_letters(name): list(LETTERS) for name in EVERY_SERVICE
    }
    for kind in KINDS:
        for topic in topics_in(Mode, [kind]):
            by_topic.setdefault(topic, []).append(kind.__name__)
    by_topic |= CHANNELS
    return {topic: _channel(topic, kinds) for topic, kinds in sorted(by_topic.items())}


def _channel(topic: str, kinds: list[str]) -> dict[str, Any]:
    return {
        "address": topic,
        "messages": {kind: {"$ref": f"#/components/messages/{kind}"} for kind in kinds},
        "bindings": {"kafka": {"topic": topic, "bindingVersion": KAFKA}},
    }


def _operations() -> dict[str, Any]:
    letters = [
        Flow(each, "send", topic_of_letters(each), ("DeadLetter",), BOTH) for each in EVERY_SERVICE
    ]
    found = [*flows(), *letters, *policy_flows()]
    return {f"{flow.service}-{flow.action}-{flow.topic}": _operation(flow) for flow in found}


def _operation(flow: Flow) -> dict[str, Any]:
    channel = f"#/channels/{flow.topic}"
    return {
        "action": flow.action,
        "channel": {"$ref": channel},
        "summary": f"Of {flow.of}",
        "tags": [{"name": flow.service}],
        "messages": [{"$ref": f"{channel}/messages/{kind}"} for kind in flow.kinds],
    }


def _messages() -> dict[str, Any]:
    examples = {type(body).__name__: example(body) for body in BODIES}
    found = {kind.__name__: _message(kind, examples[kind.__name__]) for kind in KINDS}
    return {**found, **letter_messages(), **policy_messages()}


def _message(kind: type[Body], shown: dict[str, Any]) -> dict[str, Any]:
    name = kind.__name__
    return {
        "name": name,
        "tags": [{"name": "command" if issubclass(kind, Command) else "event"}],
        "headers": {"$ref": "#/components/schemas/Headers"},
        "payload": {"$ref": f"#/components/schemas/{name}"},
        "correlationId": {"location": "$message.header#/ce_subject"},
        "bindings": {"kafka": {"key": {"type": "string"}, "bindingVersion": KAFKA}},
        "examples": [shown],
    }


def _schemas() -> dict[str, Schema]:
    headers = {name: value for name, value in headers_schema().items() if name != "$schema"}
    bodies = components(KINDS, "#/components/schemas/{name}")
    others = {**letter_schemas(), **policy_schemas()}
    return {"Headers": headers, **others, **dict(sorted(bodies.items()))}
