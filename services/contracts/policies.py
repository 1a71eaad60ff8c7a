"""What is on the compacted topics: the newest rules, and who enforces them."""

from __future__ import annotations

from typing import Any

import msgspec

from services.contracts.flows import BOTH, Flow
from services.contracts.schemas import Schema
from services.kit.broker import ACKNOWLEDGEMENTS, POLICIES
from services.policy.reader import Acknowledgement
from services.policy.rules import RuleSet
from services.policy.steps import POINTS

CHANNELS = {POLICIES: [RuleSet.__name__], ACKNOWLEDGEMENTS: [Acknowledgement.__name__]}


def policy_flows() -> list[Flow]:
    rules, said = (RuleSet.__name__,), (Acknowledgement.__name__,)
    enforce = [Flow(point, "receive", POLICIES, rules, BOTH) for point in POINTS]
    tell = [Flow(point, "send", ACKNOWLEDGEMENTS, said, BOTH) for point in POINTS]
    steer = [
        Flow("order", "send", POLICIES, rules, BOTH),
        Flow("order", "receive", ACKNOWLEDGEMENTS, said, BOTH),
    ]
    return [*steer, *enforce, *tell]


def policy_messages() -> dict[str, Any]:
    about = {
        RuleSet.__name__: "All rules of one version; the key is always the same",
        Acknowledgement.__name__: "Who enforces which version; the key is the replica",
    }
    return {
        name: {
            "name": name,
            "summary": text,
            "headers": {"type": "object"},
            "payload": {"$ref": f"#/components/schemas/{name}"},
        }
        for name, text in about.items()
    }


def policy_schemas() -> dict[str, Schema]:
    kinds = [RuleSet, Acknowledgement]
    _, found = msgspec.json.schema_components(kinds, ref_template="#/components/schemas/{name}")
    return found
