"""CEL, the expression language of the rules, by Google's own evaluator.

An expression is over the order and over facts by name. A fact that it names has to be known before
it means anything, to whoever decides: so the names are found here, and by the evaluator itself. It
is imported when the first rule is compiled: without rules nobody pays for it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from services.policy.rules import RuleError

_PLACE = re.compile(
    r"<input>:(?P<line>\d+):(?P<column>\d+): (?P<text>.*?)(?: \(in container ''\))?$",
    re.MULTILINE,
)


class EvaluationError(Exception):
    """An expression that could not be evaluated over this order."""


class GaveUp(EvaluationError):
    """The evaluator stopped before it had a value: an expression may take so many steps."""


class Compiled:
    """`kinds` are the types that the value may have, `facts` those that it may name, and `names`
    those that it does."""

    def __init__(
        self, where: str, text: str, kinds: tuple[type, ...], facts: Sequence[str] = ()
    ) -> None:
        self.text, self._kinds = text, kinds
        try:
            self._expression = _environment(frozenset(facts)).compile(text)
        except RuntimeError as error:
            raise RuleError(f"{where}: {_told(str(error), facts)}") from error
        self.names = tuple(fact for fact in facts if fact in text and _needs(text, facts, fact))
        kind = str(self._expression.return_type())
        if kind not in (*_NAMES[kinds], "DYN"):
            raise RuleError(f"{where}: is {kind}, not {' or '.join(_NAMES[kinds])}")

    def evaluate(self, context: Mapping[str, Any]) -> Any:
        try:
            value = self._expression.eval(data=context)
            found = value.value()
        except RuntimeError as error:
            raise GaveUp(str(error)) from error
        if value.type() == _error_type():
            raise EvaluationError(str(found))
        if type(found) not in self._kinds:
            raise EvaluationError(f"{found!r} is {value.type()}, not what the rule needs")
        return found


TRUTH: tuple[type, ...] = (bool,)
NUMBER: tuple[type, ...] = (int,)
KEY: tuple[type, ...] = (str, int)
_NAMES = {TRUTH: ("BOOL",), NUMBER: ("INT",), KEY: ("STRING", "INT")}


@cache
def _environment(facts: frozenset[str]) -> Any:
    """Each fact is a variable of its own, so that one which cannot be there is a mistake."""
    from cel_expr_python import cel

    known = {fact_variable(fact): cel.Type.BOOL for fact in facts}
    return cel.NewEnv(variables={"order": cel.Type.DYN, **known})


def fact_variable(fact: str) -> str:
    return f"facts.{fact}"


def _needs(text: str, facts: Sequence[str], fact: str) -> bool:
    """Whether it names this one: it makes no sense without it."""
    try:
        _environment(frozenset(facts) - {fact}).compile(text)
    except RuntimeError:
        return True
    return False


@cache
def _error_type() -> Any:
    from cel_expr_python import cel

    return cel.Type.ERROR


def _told(error: str, facts: Sequence[str]) -> str:
    place = _PLACE.search(error)
    if place is None:
        return error.splitlines()[0]
    told = f"line {place['line']}, column {place['column']}: {place['text']}"
    if "reference to 'facts" not in told:
        return told
    return f"{told}; what can be known here is {', '.join(map(fact_variable, facts))}"
