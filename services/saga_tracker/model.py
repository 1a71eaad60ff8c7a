"""Where a choreographed saga stands, concluded from its events alone; pure.

Nobody tells the tracker what comes next, so it carries the flow a third time, after the score and
the reactions, and has to be changed whenever those are. Events come in any order between topics,
so only which ones have been heard counts.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Final

import msgspec

from services.kit.message import Event
from services.messages import (
    CustomerNotified,
    HoldApproved,
    HoldDeclined,
    OrderConfirmed,
    OrderExpired,
    OrderRejected,
    PaymentAuthorized,
    PaymentCaptured,
    PaymentDeclined,
    PaymentVoided,
    ShipmentArranged,
    ShipmentCancelled,
    ShipmentRefused,
    StepHeld,
    StockRejected,
    StockReleased,
    StockReserved,
    StockShipped,
)


def _names(*kinds: type[Event]) -> frozenset[str]:
    return frozenset(kind.__name__ for kind in kinds)


END: Final = CustomerNotified.__name__
DECIDED: Final = _names(OrderConfirmed, OrderRejected)
HELD: Final = f"{StepHeld.__name__}:"
ANSWERS: Final = _names(HoldApproved, HoldDeclined)
PIVOT: Final = ShipmentArranged.__name__
FAILED: Final = _names(StockRejected, PaymentDeclined, ShipmentRefused, ShipmentCancelled)
ENDS_HOLDS: Final = FAILED | DECIDED | {PIVOT}
STOCK_SETTLED: Final = _names(StockRejected, StockReleased)
MONEY_SETTLED: Final = _names(PaymentDeclined, PaymentVoided)
NO_PROGRESS: Final = OrderExpired.__name__
AWAITED: Final = (
    StockReserved,
    PaymentAuthorized,
    ShipmentArranged,
    PaymentCaptured,
    StockShipped,
    OrderConfirmed,
    StockReleased,
    PaymentVoided,
    OrderRejected,
    CustomerNotified,
)


class Heard(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the tracker keeps of an event; `rules` and `until` are those of a hold."""

    at: datetime
    reason: str | None = None
    rules: tuple[str, ...] = ()
    until: datetime | None = None


class Hold(msgspec.Struct, frozen=True):
    """Rules that hold a step until somebody answers."""

    step: str
    rules: tuple[str, ...]
    until: datetime


def awaited(heard: Collection[str]) -> tuple[str, ...]:
    """The events that have to come next; none of an ended saga."""
    if END in heard:
        return ()
    if DECIDED & set(heard):
        return (END,)
    if PIVOT in heard:
        return _missing(heard, PaymentCaptured, StockShipped) or (OrderConfirmed.__name__,)
    if FAILED & set(heard):
        return _undoing(heard)
    return _missing(heard, StockReserved, PaymentAuthorized) or (PIVOT,)


def hold_of(step: str) -> str:
    """What a hold is kept under: one a step, where of other events one a kind is kept."""
    return f"{HELD}{step}"


def holds(heard: Mapping[str, Heard], now: datetime) -> tuple[Hold, ...]:
    """What nobody has answered yet, where nothing else has ended it."""
    if ENDS_HOLDS & set(heard):
        return ()
    answered = max((heard[kind].at for kind in ANSWERS & set(heard)), default=None)
    return tuple(
        Hold(kind.removeprefix(HELD), each.rules, each.until)
        for kind, each in heard.items()
        if each.until is not None and each.until > now
        if answered is None or each.at > answered
    )


def outcome(heard: Collection[str]) -> str | None:
    if OrderConfirmed.__name__ in heard:
        return "confirmed"
    return "rejected" if OrderRejected.__name__ in heard else None


def reason(heard: Mapping[str, Heard]) -> str | None:
    """Why it was rejected, or is going to be."""
    told = sorted((each.at, each.reason) for each in heard.values() if each.reason)
    return told[0][1] if told else None


def _undoing(heard: Collection[str]) -> tuple[str, ...]:
    missing = []
    if not STOCK_SETTLED & set(heard):
        missing.append(StockReleased.__name__)
    if not MONEY_SETTLED & set(heard):
        missing.append(PaymentVoided.__name__)
    return tuple(missing) or (OrderRejected.__name__,)


def _missing(heard: Collection[str], *kinds: type[Event]) -> tuple[str, ...]:
    return tuple(kind.__name__ for kind in kinds if kind.__name__ not in heard)
