"""CEL, the expression language of the rules, by Google's own evaluator.

It is imported when the first rule is compiled: without rules nobody pays for it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from services.policy.rules import RuleError

_PLACE = re.compile(r"<input>:(?P<line>\d+):(?P<column>\d+): (?P<text>[^\n]*)")


class EvaluationError(Exception):
    """An expression that could not be evaluated over this order."""


class Compiled:
    """`kinds` are the types that the value may have."""

    def __init__(self, where: str, text: str, kinds: tuple[type, ...]) -> None:
        self.text, self._kinds = text, kinds
        try:
            self._expression = _environment().compile(text)
        except RuntimeError as error:
            raise RuleError(f"{where}: {_told(str(error))}") from error
        kind = str(self._expression.return_type())
        if kind not in (*_NAMES[kinds], "DYN"):
            raise RuleError(f"{where}: is {kind}, not {' or '.join(_NAMES[kinds])}")

    def evaluate(self, context: Mapping[str, Any]) -> Any:
        value = self._expression.eval(data=context)
        found = value.value()
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
def _environment() -> Any:
    from cel_expr_python import cel

    return cel.NewEnv(variables={"order": cel.Type.DYN, "facts": cel.Type.DYN})


@cache
def _error_type() -> Any:
    from cel_expr_python import cel

    return cel.Type.ERROR


def _told(error: str) -> str:
    place = _PLACE.search(error)
    if place is None:
        return error.splitlines()[0]
    return f"line {place['line']}, column {place['column']}: {place['text']}"
