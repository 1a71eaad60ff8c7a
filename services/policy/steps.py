"""What a rule may guard, and which facts exist; tests hold this against saga and playbooks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

PLACED: Final = "OrderPlaced"
APPROVED: Final = "HoldApproved"
DECLINED: Final = "HoldDeclined"
EXPIRED: Final = "OrderExpired"
POLICY: Final = "policy:"

# How often a point that enforces rules says so again.
REPEAT_SECONDS: Final = 10.0

# Before the pivot a step can be refused, so a rule about it can be enforced.
REFUSABLE: Final = ("ReserveStock", "AuthorizePayment", "ArrangeShipment")
# After it there is only forward: a rule about these can look, and no more.
RETRIABLE: Final = ("CapturePayment", "ShipStock")
GUARDABLE: Final = (*REFUSABLE, *RETRIABLE)

OWNERS: Final = {
    "ReserveStock": "inventory",
    "ShipStock": "inventory",
    "AuthorizePayment": "payment",
    "CapturePayment": "payment",
    "ArrangeShipment": "shipping",
}
CONDUCTOR: Final = "orchestrator"
PARTICIPANTS: Final = ("inventory", "payment", "shipping")
POINTS: Final = (CONDUCTOR, *PARTICIPANTS)

# The event that says that a step was done, and the events that the process itself waits for.
DONE: Final = {
    "ReserveStock": "StockReserved",
    "AuthorizePayment": "PaymentAuthorized",
    "ArrangeShipment": "ShipmentArranged",
    "CapturePayment": "PaymentCaptured",
    "ShipStock": "StockShipped",
}
CAUSES: Final = {
    "ReserveStock": (PLACED,),
    "AuthorizePayment": (PLACED,),
    "ArrangeShipment": (PLACED, "StockReserved", "PaymentAuthorized"),
    "CapturePayment": ("ShipmentArranged",),
    "ShipStock": ("ShipmentArranged",),
}
FACTS: Final = (PLACED, *DONE.values())
# What a rule may name: a step, or an event that a step follows on.
GUARDED: Final = (*GUARDABLE, *dict.fromkeys(cause for all_ in CAUSES.values() for cause in all_))


def guarded_by(guards: str) -> tuple[str, ...]:
    """The steps that a step's or an event's name stands for: an event guards what follows on it."""
    if guards in GUARDABLE:
        return (guards,)
    return tuple(step for step, causes in CAUSES.items() if guards in causes)


def established(step: str) -> frozenset[str]:
    """The facts that lie behind a step wherever it is done: its causes, and theirs."""
    earlier = (other for other, done in DONE.items() if done in CAUSES[step])
    return frozenset(CAUSES[step]).union(*map(established, earlier))


def possible_before(steps: Sequence[str]) -> tuple[str, ...]:
    """The facts that can be known before each of these steps is done."""
    late = {done for done, causes in _behind().items() for step in steps if DONE[step] in causes}
    return tuple(fact for fact in FACTS if fact not in late)


def _behind() -> dict[str, frozenset[str]]:
    """Each step's fact with all that it comes after, itself included."""
    return {done: established(step) | {done} for step, done in DONE.items()}


def hold_attempt(step: str, ordinal: int) -> int:
    """Several points may hold one saga, each more than once; their messages need ids apart."""
    return GUARDABLE.index(step) * 100 + ordinal


def reason_of(rule: str) -> str:
    return POLICY + rule
