"""The documents themselves: complete, and well-formed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

from services.contracts.flows import flows
from services.contracts.openapi import openapi
from services.contracts.policies import policy_flows
from services.kit.bootstrap import EVERY_SERVICE, all_topics
from services.messages import KINDS

Document = dict[str, Any]


def test_every_reference_in_the_message_contract_leads_somewhere(messages: Document) -> None:
    for reference in references(messages):
        assert resolved(messages, reference) is not None


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"]
        for child in node.values():
            yield from references(child)
    elif isinstance(node, list):
        for child in node:
            yield from references(child)


def resolved(document: Document, reference: str) -> Any:
    node: Any = document
    for part in reference.removeprefix("#/").split("/"):
        node = node[part]
    return node


def test_the_message_contract_has_the_shape_of_asyncapi_3(messages: Document) -> None:
    assert messages["asyncapi"] == "3.0.0"
    assert {"title", "version"} <= messages["info"].keys()
    for topic, channel in messages["channels"].items():
        assert channel["address"] == topic
    for operation in messages["operations"].values():
        assert operation["action"] in ("send", "receive")
        channel = resolved(messages, operation["channel"]["$ref"])
        for message in operation["messages"]:
            assert message["$ref"].startswith(f"{operation['channel']['$ref']}/messages/")
            assert message["$ref"].rpartition("/")[2] in channel["messages"]


def test_every_topic_that_services_make_is_in_the_message_contract(messages: Document) -> None:
    assert sorted(messages["channels"]) == all_topics()


def test_every_message_has_a_sender_and_a_reader() -> None:
    sent = {kind for flow in flows() if flow.action == "send" for kind in flow.kinds}
    read = {kind for flow in flows() if flow.action == "receive" for kind in flow.kinds}
    assert sent == read == {kind.__name__ for kind in KINDS}


def test_no_two_flows_share_an_operation(messages: Document) -> None:
    assert len(messages["operations"]) == len(flows()) + len(EVERY_SERVICE) + len(policy_flows())


def test_the_apis_are_described_without_starting_anything() -> None:
    before = threading.active_count()
    paths = openapi("order")["paths"]
    assert {"/orders", "/coordination", "/healthz", "/faults"} <= paths.keys()
    assert threading.active_count() == before
