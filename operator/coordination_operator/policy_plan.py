"""What `decide_policies` is told and what it answers with: data alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from coordination_operator.policy_resources import PointStatus, PolicyStatus
from services.policy.rules import Rule

Rules = tuple[Rule, ...]
# An object's rules that the order service does not take, and what it says.
Refusals = Mapping[tuple[str, Rules], str]


@dataclass(frozen=True)
class PolicyObject:
    """As the API server has it; whether its spec makes sense is still to be found out."""

    name: str
    generation: int
    spec: Any
    status: PolicyStatus


@dataclass(frozen=True)
class InForce:
    """The rules that the order service has, and who has said to enforce which version."""

    version: int
    rules: Rules
    points: tuple[PointStatus, ...] = ()

    @property
    def behind(self) -> tuple[PointStatus, ...]:
        return tuple(point for point in self.points if point.version < self.version)


@dataclass(frozen=True)
class SetRules:
    """Compare-and-set: done only if the rules still have this version."""

    rules: Rules
    seen_version: int


@dataclass(frozen=True)
class PolicyPlan:
    """Save `statuses`, do what is wished for, then announce what is in them unannounced.

    `shares` are each object's rules within the wish. `again` is None if nobody needs to look before
    something happens.
    """

    statuses: Mapping[str, PolicyStatus] = field(default_factory=dict)
    wish: SetRules | None = None
    shares: Mapping[str, Rules] = field(default_factory=dict)
    again: timedelta | None = None
