"""What the auditor is given, and what it finds: data, and nothing judged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

import msgspec

from services.kit.message import Mode, SagaId
from services.messages import OrderPlaced
from services.policy.rulebook import Context, context
from services.policy.rules import RuleSet
from services.policy.steps import CONDUCTOR, OWNERS, PLACED, POLICY

PROCESS = "the process itself"
REFUSALS = {
    "ReserveStock": "StockRejected",
    "AuthorizePayment": "PaymentDeclined",
    "ArrangeShipment": "ShipmentRefused",
}
REFUSED = frozenset(REFUSALS.values())
UNDONE = REFUSED | {"StockReleased", "PaymentVoided", "ShipmentCancelled"}
NEVER = float("inf")


class Kind(StrEnum):
    """Why a step was done that a rule forbids."""

    SLIPPED = "slipped"
    """The point had not said yet that it enforces the rule."""
    BYPASS = "bypass"
    """It had."""


class Answer(msgspec.Struct, frozen=True):
    """What became of a hold; times in seconds since the epoch."""

    rule: str
    until: float
    answer: str | None = None
    answered_at: float | None = None


class History(msgspec.Struct, frozen=True):
    """What is known to have happened to an order: when each type of event was first told, and why
    it was rejected."""

    order_id: SagaId
    mode: Mode
    placed: OrderPlaced
    events: Mapping[str, float]
    answers: tuple[Answer, ...] = ()
    reason: str | None = None

    @property
    def was_stopped(self) -> bool:
        """The conductor has denied a step, which is no event: nobody was asked for it."""
        by_rule = self.reason is not None and self.reason.startswith(POLICY)
        return by_rule and self.mode is Mode.ORCHESTRATION


class Violation(msgspec.Struct, frozen=True):
    order_id: SagaId
    mode: Mode
    step: str
    rule: str
    version: int
    kind: Kind
    why: str
    at: float


class Era(msgspec.Struct, frozen=True):
    """A rule set and, by service, when the first of its replicas said to enforce it, and from when
    to when one that was there still went by older rules.

    What has passed stays as it was: who joins later with older rules is behind from then on.
    """

    rules: RuleSet
    enforced_since: Mapping[str, float] = {}
    behind: Mapping[str, Sequence[tuple[float, float]]] = {}

    def is_enforced_by(self, service: str, at: float) -> bool:
        """By every replica that was there."""
        behind = any(since <= at < until for since, until in self.behind.get(service, ()))
        return self.enforced_since.get(service, NEVER) < at and not behind


@dataclass(frozen=True)
class Done:
    """A step of an order, from the moment of its last cause to the moment it was told."""

    history: History
    step: str
    caused_at: float
    at: float

    @property
    def point(self) -> str:
        """Who decided it."""
        return CONDUCTOR if self.history.mode is Mode.ORCHESTRATION else OWNERS[self.step]

    @property
    def facts(self) -> frozenset[str]:
        return frozenset(kind for kind, at in self.history.events.items() if at < self.at)

    @cached_property
    def seen(self) -> Context:
        return context(self.history.placed)

    def violation(self, rule: str, version: int, kind: Kind, why: str) -> Violation:
        order, mode = self.history.order_id, self.history.mode
        return Violation(order, mode, self.step, rule, version, kind, why, self.at)


@dataclass
class Findings:
    """`steps` that rules could guard were decided, which is done or refused; of them `guarded` were
    under a rule."""

    orders: int = 0
    steps: int = 0
    guarded: int = 0
    violations: list[Violation] = field(default_factory=list)

    def slipped(self) -> dict[int, int]:
        """How many orders slipped through, by the version of the rules."""
        slipped = {(v.version, v.order_id) for v in self.violations if v.kind is Kind.SLIPPED}
        return Counter(version for version, _ in slipped)

    @property
    def coverage(self) -> float | None:
        return self.guarded / self.steps if self.steps else None


def events_of(placed_at: float, heard: Iterable[tuple[str, float]]) -> dict[str, float]:
    """When each type was first told."""
    events = {PLACED: placed_at}
    for kind, at in heard:
        events[kind] = min(at, events.get(kind, at))
    return events
