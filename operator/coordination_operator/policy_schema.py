"""The definition of a Policy: what one object can get wrong by itself, and what kubectl shows.

What an expression says, and whether two objects' rules go together, the operator finds out.
"""

from __future__ import annotations

from typing import Final

from coordination_operator.policy_resources import KIND, PLURAL, PolicySpec, PolicyStatus
from coordination_operator.structural import Custom
from services.policy.steps import GUARDED, RETRIABLE, guarded_by

_LATE: Final = [name for name in GUARDED if set(guarded_by(name)) & set(RETRIABLE)]
_SEVERAL: Final = [name for name in GUARDED if len(guarded_by(name)) > 1]

_RULES: Final = {
    "spec.rules[]": (
        (
            "(self.effect == 'limit') == has(self.limit)",
            "limit is what the effect limit needs, and no other takes",
        ),
        (
            "self.effect != 'require' || size(self.after) > 0",
            "the effect require needs facts in after",
        ),
        (
            f"!(self.effect in ['hold', 'limit']) || !(self.guards in {_SEVERAL})",
            f"hold or limit at one step; {', '.join(_SEVERAL)} stand for several",
        ),
        (
            f"self.mode == 'audit' || !(self.guards in {_LATE})",
            f"{', '.join(_LATE)}: after the pivot nothing can be refused; use mode audit",
        ),
        (
            f"self.effect != 'hold' || !(self.guards in {_LATE})",
            f"{', '.join(_LATE)}: after the pivot nothing can be held",
        ),
    ),
}

_COLUMNS: Final = (
    ("Rules", "integer", ".status.rules", "How many of its rules are in force", 0),
    ("Version", "integer", ".status.version", "Of all rules in force", 0),
    ("Points", "string", ".status.enforcing", "Those that enforce it, of those there are", 0),
    ("Accepted", "string", '.status.conditions[?(@.type=="Accepted")].status', "", 0),
    ("Enforced", "string", '.status.conditions[?(@.type=="Enforced")].status', "", 0),
    ("Waiting", "string", ".status.message", "What is waited for, or wrong", 1),
    ("Age", "date", ".metadata.creationTimestamp", "", 0),
)

POLICY: Final = Custom(
    kind=KIND,
    plural=PLURAL,
    short="bpol",
    description="Rules about the steps of sagas, enforced by whoever coordinates.",
    spec=PolicySpec,
    status=PolicyStatus,
    rules=_RULES,
    columns=_COLUMNS,
    unfilled=frozenset({"spec.rules[].hold"}),
)
