"""A rule set made ready to decide by: compiled once, shared by all threads, never changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple

import msgspec

from services.messages import Address, Item, OrderPlaced
from services.policy.cel import KEY, NUMBER, TRUTH, Compiled, EvaluationError, GaveUp, fact_variable
from services.policy.rules import NO_RULES, Effect, Rule, RuleError, RuleSet, check_waiting
from services.policy.steps import FACTS, established, possible_before

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
    """A rule about one step, with its expressions compiled.

    They are evaluated once the facts that the rule `needs` are known, in both modes, and never
    before: so what they say depends on the order alone, and not on who was asked, or how early.
    """

    rule: Rule
    when: Compiled
    per: Compiled | None = None
    sum: Compiled | None = None
    needs: tuple[str, ...] = ()

    @property
    def facts(self) -> tuple[str, ...]:
        """All that the step has to wait for."""
        return tuple(dict.fromkeys((*self.rule.after, *self.needs)))

    @property
    def names(self) -> Iterator[str]:
        for expression in (self.when, self.per, self.sum):
            yield from expression.names if expression is not None else ()


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
        return frozenset(fact for guard in guards for fact in guard.facts)


EMPTY: Final = Rulebook()


def compile_rules(rules: RuleSet) -> Rulebook:
    """Raise `RuleError` for what cannot be compiled or does not work on an example order."""
    found: dict[str, list[Guard]] = {}
    for rule in rules.rules:
        guard = _compiled(rule)
        _try(guard)
        for step in rule.steps:
            found.setdefault(step, []).append(replace(guard, needs=_needs(guard, step)))
    check_waiting([(g.rule, step, g.facts) for step, guards in found.items() for g in guards])
    return Rulebook(rules, {step: tuple(guards) for step, guards in found.items()})


def context(order: OrderPlaced) -> Context:
    """What expressions see: the order. A fact that one names is known by the time it is asked."""
    shown = msgspec.to_builtins(order)
    shown["items"] = list(shown["items"])  # CEL knows no tuples
    return {"order": shown, **_KNOWN}


_KNOWN: Final = {fact_variable(fact): True for fact in FACTS}


def _needs(guard: Guard, step: str) -> tuple[str, ...]:
    """What a requirement requires comes after its expression: it is only asked if that is true."""
    waited = () if guard.rule.effect is Effect.REQUIRE else guard.rule.after
    named = (fact for fact in guard.names if fact not in established(step))
    return tuple(dict.fromkeys((*waited, *named)))


def _compiled(rule: Rule) -> Guard:
    facts = possible_before(rule.steps)
    when = Compiled(f"{rule.name}: when", rule.when, TRUTH, facts)
    if rule.limit is None:
        return Guard(rule, when)
    per = Compiled(f"{rule.name}: limit.per", rule.limit.per, KEY, facts)
    amount = Compiled(f"{rule.name}: limit.sum", rule.limit.sum, NUMBER, facts)
    return Guard(rule, when, per, amount)


def _try(guard: Guard) -> None:
    """A field that no order has is a slip of the pen, and what is too much for a small order is
    too much for any; other errors depend on the order."""
    example = context(EXAMPLE)
    fields = (("when", guard.when), ("limit.per", guard.per), ("limit.sum", guard.sum))
    for name, expression in fields:
        try:
            if expression is not None:
                expression.evaluate(example)
        except EvaluationError as error:
            if isinstance(error, GaveUp) or "NOT_FOUND" in str(error):
                where = f"{guard.rule.name}: {name}"
                raise RuleError(f"{where}: does not work on an example order: {error}") from error


class InForce(NamedTuple):
    """A rulebook and the one before it."""

    book: Rulebook
    before: Rulebook


class Rules:
    """The rulebook in force in this process.

    A decision takes `now` once and keeps it: a change in between changes nothing half-way.
    """

    def __init__(self, book: Rulebook = EMPTY) -> None:
        self.now = InForce(book, EMPTY)

    @property
    def book(self) -> Rulebook:
        return self.now.book

    def adopt(self, rules: RuleSet) -> bool:
        """Take a newer set; an older one, or the same again, changes nothing."""
        return rules.version > self.book.version and self.take(compile_rules(rules))

    def take(self, book: Rulebook) -> bool:
        """As `adopt`, for who has compiled it already."""
        if book.version <= self.book.version:
            return False
        self.now = InForce(book, self.book)
        return True
