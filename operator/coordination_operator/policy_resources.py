"""The shape of a Policy: the rules that are asked for, and where they are enforced.

The rules' own format is that of `services/policy/rules.py`, and is written there alone.
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from coordination_operator.resources import Resource, Who
from coordination_operator.status import Moment, Status
from services.policy.rules import MOST_RULES, Rule

KIND: Final = "Policy"
PLURAL: Final = "policies"


def _about(text: str) -> Meta:
    return Meta(description=text)


class PolicySpec(Resource, frozen=True, kw_only=True):
    """Rules about the steps of sagas, the same for both modes."""

    rules: Annotated[
        tuple[Rule, ...],
        Meta(
            description="They are put in force together with those of all other Policies.",
            max_length=MOST_RULES,
        ),
    ]


class Remembered(Resource, frozen=True, kw_only=True):
    """Rules of an earlier look, for the spec may have been changed since."""

    generation: Annotated[int, _about("Of the spec that they were in.")]
    rules: tuple[Rule, ...]


class PointStatus(Resource, frozen=True, kw_only=True):
    """A replica that enforces rules."""

    service: str
    instance: str
    mode: Annotated[Who, _about("Of the sagas whose steps it decides on.")]
    version: Annotated[int, _about("Of the rules that it has said to enforce.")]
    since: Annotated[Moment, _about("When it first said so.")]


class Share(Resource, frozen=True, kw_only=True):
    """Points of one mode."""

    enforcing: Annotated[int, _about("Those that enforce the newest version.")]
    points: Annotated[int, _about("Those that are there.")]


class Shares(Resource, frozen=True, kw_only=True):
    """The same by mode."""

    orchestration: Share
    choreography: Share


class PolicyStatus(Status, frozen=True, kw_only=True):
    rules: Annotated[int | None, _about("How many of its rules are in force.")] = None
    version: Annotated[
        int | None, _about("Of all rules in force, as the order service counts them.")
    ] = None
    enforcing: Annotated[
        str | None, _about("Points that enforce this version, of those there are, such as 3/4.")
    ] = None
    modes: Annotated[Shares | None, _about("The same by mode.")] = None
    points: Annotated[
        tuple[PointStatus, ...], _about("Who enforces which version, since when.")
    ] = ()
    message: Annotated[str, _about("What is waited for or wrong, in words.")] = ""
    accepted: Annotated[
        Remembered | None, _about("The rules in force; they stay when an edit is refused.")
    ] = None
    proposed: Annotated[Remembered | None, _about("Rules that are about to be put in force.")] = (
        None
    )


def plain(status: PolicyStatus) -> object:
    """As the API server takes it: null removes a field, but is no value in a list."""
    found = msgspec.to_builtins(status)
    for name in ("accepted", "proposed"):
        if found[name] is not None:
            found[name]["rules"] = [_said(rule) for rule in found[name]["rules"]]
    return found


def _said(rule: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in rule.items() if value is not None}
