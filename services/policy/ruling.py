"""What is asked of the rules about one step, and what it comes to: data, and nothing decided."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import msgspec

from services.kit.message import Mode, SagaId
from services.messages import OrderPlaced
from services.policy.rules import Effect
from services.policy.steps import reason_of

Account = tuple[str, str]
ERROR = "error: "
APPROVED, DECLINED, SILENCE = "approved", "declined", "silence"


class Verdict(StrEnum):
    ALLOWED = "allowed"
    DENIED = "denied"
    HELD = "held"
    WAITING = "waiting"


class Held(msgspec.Struct, frozen=True):
    """A step that is held; `until` is in seconds since the epoch. `answer` is empty until there is
    one: approved, declined, or silence once it is too late for either."""

    until: float
    answer: str = ""
    step: str = ""


Holds = Mapping[str, Held]


class Claim(msgspec.Struct, frozen=True):
    """An account of a limit that a decision will look at."""

    rule: str
    key: str
    window_seconds: float


class Spent(msgspec.Struct, frozen=True):
    """What an order takes from an account, once."""

    rule: str
    key: str
    order_id: SagaId
    amount: int


class Minute(msgspec.Struct, frozen=True):
    """One decision, as it is kept for good."""

    order_id: SagaId
    mode: Mode
    step: str
    rule: str
    version: int
    effect: Effect
    enforced: bool
    outcome: Verdict
    why: str
    facts: tuple[str, ...]

    @property
    def failed(self) -> bool:
        return self.why.startswith(ERROR)


@dataclass(frozen=True)
class Books:
    """The database's time, and what has been spent of each account within its window."""

    now: float
    spent: dict[Account, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Case:
    """A step that is about to be done; `facts` are the events that are known of its saga, and
    `answers` what somebody has said of rules that may not hold it yet: they hold the order."""

    saga_id: SagaId
    mode: Mode
    step: str
    order: OrderPlaced
    facts: frozenset[str]
    holds: Holds = field(default_factory=dict)
    answers: Mapping[str, str] = field(default_factory=dict)

    def answer(self, rule: str) -> str:
        held = self.holds.get(rule)
        return self.answers.get(rule, "") if held is None else held.answer


@dataclass(frozen=True)
class Ruling:
    """`holds` are all of this step now, `fresh` those that have just begun."""

    verdict: Verdict
    rule: str = ""
    holds: Holds = field(default_factory=dict)
    fresh: tuple[str, ...] = ()

    @property
    def reason(self) -> str:
        return reason_of(self.rule)

    def begun(self) -> Iterator[tuple[int, str]]:
        """The holds that have just begun, each with the number that it has among all."""
        return enumerate(self.fresh, start=len(self.holds) - len(self.fresh) + 1)


def answered(holds: Holds, rules: Iterable[str], answer: str) -> Holds:
    """The same holds with an answer to those of these rules; the first answer stands."""
    named = set(rules)
    return {
        name: _with(held, answer) if name in named and not held.answer else held
        for name, held in holds.items()
    }


def silenced(holds: Holds, now: float) -> Holds:
    """Silence, where there was no answer in time."""
    return {
        name: _with(held, SILENCE) if not held.answer and held.until <= now else held
        for name, held in holds.items()
    }


def _with(held: Held, answer: str) -> Held:
    return msgspec.structs.replace(held, answer=answer)


Gate = Callable[[str, frozenset[str], Holds], Ruling]
