"""Who may do what on the broker: derived from what the services say and hear, and nothing more."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple

from services.contracts.flows import flows
from services.contracts.policies import policy_flows
from services.kit.bootstrap import EVERY_SERVICE
from services.kit.dead_letters import topic_of_letters


class Action(StrEnum):
    JOIN = "join"
    WRITE = "write"
    READ = "read"


class Permit(NamedTuple):
    """JOIN is about the consumer groups whose names begin with `name`; the others about a topic."""

    service: str
    action: Action
    name: str


def permits() -> list[Permit]:
    """In the order in which they are to be given: a service begins once it sees what it reads, so
    that comes last."""
    order = list(Action)
    return sorted(set(_permits()), key=lambda permit: (order.index(permit.action), permit))


def _permits() -> Iterator[Permit]:
    for service in EVERY_SERVICE:
        yield Permit(service, Action.JOIN, service)
        yield Permit(service, Action.WRITE, topic_of_letters(service))
    for flow in (*flows(), *policy_flows()):
        action = Action.WRITE if flow.action == "send" else Action.READ
        yield Permit(flow.service, action, flow.topic)


def permits_table() -> str:
    """For whoever gives them by other means."""
    rows = [
        f"| `{service}` | {_names(service, Action.READ)} | {_names(service, Action.WRITE)} |"
        for service in EVERY_SERVICE
    ]
    return "\n".join(["| user | reads | writes |", "| --- | --- | --- |", *rows]) + "\n"


def _names(service: str, action: Action) -> str:
    found = [one.name for one in permits() if (one.service, one.action) == (service, action)]
    return ", ".join(f"`{name}`" for name in sorted(found))
