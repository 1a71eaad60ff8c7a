"""Rules as a person writes them, and what is wrong with them.

Errors: `RuleError` names the rule, the field and, in an expression, the line and the column.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from services.policy.steps import (
    CAUSES,
    DONE,
    FACTS,
    GUARDABLE,
    GUARDED,
    REFUSABLE,
    guarded_by,
)

Expression = Annotated[str, Meta(min_length=1, max_length=2_000)]
MOST_RULES = 64
LONGEST_WINDOW_SECONDS = 31_536_000


def _about(text: str, **bounds: Any) -> Meta:
    return Meta(description=text, **bounds)


class RuleError(ValueError):
    """A set of rules that must not be put in force; the text says where and why."""


class Effect(StrEnum):
    """What becomes of a step when a rule's expression is true."""

    DENY = "deny"
    HOLD = "hold"
    LIMIT = "limit"
    REQUIRE = "require"


class Written(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """The same in a file, in a `Policy` resource, over HTTP and on the topic."""


class Limit(Written, frozen=True):
    """An account for each key, in each mode."""

    at_most: Annotated[int, _about("The most that may be taken from one account.", ge=0)]
    window_seconds: Annotated[
        float, _about("Over how long it is added up.", gt=0, le=LONGEST_WINDOW_SECONDS)
    ]
    per: Annotated[Expression, _about("CEL: whose account.")] = "order.customer_id"
    sum: Annotated[Expression, _about("CEL: what this order takes from it.")] = "1"


class Hold(Written, frozen=True):
    """How long somebody has to answer, and what silence means."""

    seconds: Annotated[float, _about("To answer in.", ge=0.05, le=604_800)] = 3_600.0
    silence: Annotated[Literal["deny", "allow"], _about("What no answer means.")] = "deny"


class Rule(Written, frozen=True, kw_only=True):
    """Guards one step, or those that follow on an event."""

    name: Annotated[
        str,
        _about(
            "What a rejected order gives as its reason: policy:<name>.",
            pattern=r"^[a-z][a-z0-9-]{0,49}$",
            max_length=50,
        ),
    ]
    guards: Annotated[
        str,
        _about(
            "A step, or an event, which stands for the steps that follow on it.",
            extra_json_schema={"enum": list(GUARDED)},
        ),
    ]
    effect: Annotated[
        Effect,
        _about(
            "Deny; hold for an answer; limit by an account; require that facts are known first."
        ),
    ]
    when: Annotated[Expression, _about("CEL over order and the facts that it names.")] = "true"
    after: Annotated[
        tuple[Annotated[str, Meta(extra_json_schema={"enum": list(FACTS)})], ...],
        _about(
            "Facts without which the rule is not decided: the step waits for them, as it does for "
            "those that its expressions name.",
            extra_json_schema={"maxItems": len(FACTS)},
        ),
    ] = ()
    hold: Annotated[Hold, _about("Of the effect hold.")] = Hold()
    limit: Annotated[Limit | None, _about("Of the effect limit.")] = None
    mode: Annotated[
        Literal["enforce", "audit"], _about("A rule that is audited looks, and stops nothing.")
    ] = "enforce"
    on_error: Annotated[
        Literal["closed", "open"],
        _about("What becomes of a step if the rule fails at run time: denied, or allowed."),
    ] = "closed"

    @property
    def steps(self) -> tuple[str, ...]:
        return guarded_by(self.guards)

    @property
    def enforced(self) -> bool:
        return self.mode == "enforce"


class RuleSet(msgspec.Struct, frozen=True):
    """All rules at once, under one number that only grows; version 0 has none.

    `applied_at` is when the order service committed it, in seconds since the epoch.
    """

    version: int = 0
    rules: tuple[Rule, ...] = ()
    applied_at: float = 0.0


NO_RULES = RuleSet()


def read_rules(values: Any) -> tuple[Rule, ...]:
    """A `Policy` resource, its `spec`, or a list of rules; each is checked but not compiled."""
    found = values
    for name in ("spec", "rules"):
        found = found.get(name, found) if isinstance(found, dict) else found
    try:
        rules = msgspec.convert(found, tuple[Rule, ...])
    except msgspec.ValidationError as error:
        raise RuleError(f"rules: {error}") from error
    check(rules)
    return rules


def check(rules: Sequence[Rule]) -> None:
    """What can be said without compiling: names, guards, and whether waiting can ever end."""
    if len(rules) > MOST_RULES:
        raise RuleError(f"{len(rules)} rules; at most {MOST_RULES}")
    names = [rule.name for rule in rules]
    for name in names:
        if names.count(name) > 1:
            raise RuleError(f"two rules are called {name}")
    for rule in rules:
        for problem in _problems(rule):
            raise RuleError(f"{rule.name}: {problem}")
    check_waiting([(rule, step, rule.after) for rule in rules for step in rule.steps])


_AT_ONE_STEP = {Effect.LIMIT: "a limit counts at one", Effect.HOLD: "a hold is at one"}


def _problems(rule: Rule) -> Iterator[str]:
    if not rule.steps:
        yield f"guards: {rule.guards} is neither of {', '.join(GUARDABLE)} nor an event before one"
    late = [step for step in rule.steps if step not in REFUSABLE]
    if late and rule.enforced:
        yield f"mode: {late[0]} is after the pivot, where nothing can be refused; audit it"
    if late and rule.effect is Effect.HOLD:
        yield f"effect: {late[0]} is after the pivot and cannot be held"
    if (rule.effect is Effect.LIMIT) != (rule.limit is not None):
        yield "limit: is what the effect limit needs, and no other takes"
    if rule.effect in _AT_ONE_STEP and len(rule.steps) > 1:
        why = _AT_ONE_STEP[rule.effect]
        yield f"guards: {rule.guards} stands for {len(rule.steps)} steps; {why}"
    if rule.effect is Effect.REQUIRE and not rule.after:
        yield "after: say which facts are required"
    if unknown := [fact for fact in rule.after if fact not in FACTS]:
        yield f"after: {unknown[0]} is not a fact; facts are {', '.join(FACTS)}"


def check_waiting(waiting: Sequence[tuple[Rule, str, Sequence[str]]]) -> None:
    """A step that waits, for a rule's sake, for what can only come after it waits for ever."""
    waits: dict[str, set[str]] = {step: set(causes) for step, causes in CAUSES.items()}
    for rule, step, facts in waiting:
        waits[step] |= set(facts) if rule.enforced else set()
    settled: set[str] = {"OrderPlaced"}
    while ready := [s for s in waits if DONE[s] not in settled and waits[s] <= settled]:
        settled |= {DONE[step] for step in ready}
    for rule, step, facts in waiting:
        if rule.enforced and not settled.issuperset(facts) and DONE[step] not in settled:
            raise RuleError(f"{rule.name}: after: {', '.join(facts)} can only come later")
