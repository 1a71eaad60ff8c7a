"""A rule set made ready to decide by: compiled once, shared by all threads, never changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from services.messages import Address, Item, OrderPlaced
from services.policy.cel import KEY, NUMBER, TRUTH, Compiled, EvaluationError
from services.policy.rules import NO_RULES, Rule, RuleError, RuleSet
from services.policy.steps import FACTS

Context = Mapping[str, Any]

EXAMPLE: Final = OrderPlaced(
    order_id="00000000-0000-7000-8000-000000000000",  # type: ignore[arg-type]
    customer_id="c-0001",
    items=(Item("guitar", 1), Item("drums", 2)),
    amount_cents=100_000,
    currency="EUR",
    card="tok-visa",
    ship_to=Address("Ella", "DE", "Berlin", "10115"),
)


@dataclass(frozen=True)
class Guard:
    """A rule with its expressions compiled."""

    rule: Rule
    when: Compiled
    per: Compiled | None = None
    sum: Compiled | None = None


@dataclass(frozen=True)
class Rulebook:
    """`guards` are the rules of each step, in the order in which they were written."""

    rules: RuleSet = NO_RULES
    guards: Mapping[str, tuple[Guard, ...]] = field(default_factory=dict)

    @property
    def version(self) -> int:
        return self.rules.version

    def after(self, steps: Sequence[str]) -> frozenset[str]:
        """The facts that rules about these steps have to wait for."""
        guards = [guard for step in steps for guard in self.guards.get(step, ())]
        return frozenset(fact for guard in guards for fact in guard.rule.after)


EMPTY: Final = Rulebook()


def compile_rules(rules: RuleSet) -> Rulebook:
    """Raise `RuleError` for what cannot be compiled or does not work on an example order."""
    found: dict[str, list[Guard]] = {}
    for rule in rules.rules:
        guard = _compiled(rule)
        _try(guard)
        for step in rule.steps:
            found.setdefault(step, []).append(guard)
    return Rulebook(rules, {step: tuple(guards) for step, guards in found.items()})


def context(order: OrderPlaced, facts: Sequence[str] | frozenset[str]) -> Context:
    """What expressions see: the order, and each fact that is known so far as `true`."""
    shown = msgspec.to_builtins(order)
    shown["items"] = list(shown["items"])  # CEL knows no tuples
    return {"order": shown, "facts": dict.fromkeys(facts, True)}


def _compiled(rule: Rule) -> Guard:
    when = Compiled(f"{rule.name}: when", rule.when, TRUTH)
    if rule.limit is None:
        return Guard(rule, when)
    per = Compiled(f"{rule.name}: limit.per", rule.limit.per, KEY)
    return Guard(rule, when, per, Compiled(f"{rule.name}: limit.sum", rule.limit.sum, NUMBER))


def _try(guard: Guard) -> None:
    """A field that no order has is a slip of the pen; other errors depend on the order."""
    example = context(EXAMPLE, FACTS)
    fields = (("when", guard.when), ("limit.per", guard.per), ("limit.sum", guard.sum))
    for name, expression in fields:
        try:
            if expression is not None:
                expression.evaluate(example)
        except EvaluationError as error:
            if "NOT_FOUND" in str(error):
                where = f"{guard.rule.name}: {name}"
                raise RuleError(f"{where}: does not work on an example order: {error}") from error


class Rules:
    """The rulebook in force in this process, and the one before it.

    A decision takes one of them and keeps it: a change in between changes nothing half-way.
    """

    def __init__(self, book: Rulebook = EMPTY) -> None:
        self.book, self.before = book, EMPTY

    def adopt(self, rules: RuleSet) -> bool:
        """Take a newer set; an older one, or the same again, changes nothing."""
        return rules.version > self.book.version and self.take(compile_rules(rules))

    def take(self, book: Rulebook) -> bool:
        """As `adopt`, for who has compiled it already."""
        if book.version <= self.book.version:
            return False
        self.before, self.book = self.book, book
        return True
