"""What a participant remembers of a saga for its rules, beside the facts that joins meet on.

All of it is in the saga's row of `facts`, each entry under a name of its own.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from services.kit.message import Message
from services.kit.session import Fact
from services.policy.ruling import Held, Holds, Verdict, answered
from services.policy.steps import APPROVED, DECLINED

ANSWERS = {APPROVED: "approved", DECLINED: "declined"}
HOLD, DECIDED, PARKED = "hold:", "decided:", "held-message"
Known = Mapping[str, Fact]


class Decided(msgspec.Struct, frozen=True):
    """`by` is the message that carries the step on: only it makes the step again when it comes
    again."""

    verdict: Verdict
    rule: str
    by: str = ""

    @property
    def goes_back(self) -> bool:
        """Undone, or about to be, and by no rule: nobody waits for this step any more."""
        return self.verdict is Verdict.DENIED and not self.rule


GOES_BACK = Decided(Verdict.DENIED, "")


class _Rules(msgspec.Struct):
    rules: tuple[str, ...]


encode = msgspec.json.Encoder().encode
_held = msgspec.json.Decoder(Held).decode
decision_of = msgspec.json.Decoder(Decided).decode
_rules = msgspec.json.Decoder(_Rules).decode


def fact_of(message: Message) -> str:
    """The name it is remembered by; each answer is remembered, not only the last."""
    return f"{message.type}:{message.attempt}" if message.type in ANSWERS else message.type


def answers_of(known: Known) -> Mapping[str, str]:
    """What somebody has said, by the rule that it was about."""
    said = {}
    for name, fact in known.items():
        answer = ANSWERS.get(name.partition(":")[0])
        if answer is not None:
            said.update(dict.fromkeys(_rules(fact.value).rules, answer))
    return said


def holds_of(known: Known, answers: Mapping[str, str]) -> Holds:
    """What is held, with the answers that have been heard."""
    holds: Holds = {
        name.removeprefix(HOLD): _held(fact.value)
        for name, fact in known.items()
        if name.startswith(HOLD)
    }
    for rule, answer in answers.items():
        holds = answered(holds, [rule], answer)
    return holds
