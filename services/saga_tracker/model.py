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
    StockRejected,
    StockReleased,
    StockReserved,
    StockShipped,
)


def _names(*kinds: type[Event]) -> frozenset[str]:
    return frozenset(kind.__name__ for kind in kinds)


END: Final = CustomerNotified.__name__
DECIDED: Final = _names(OrderConfirmed, OrderRejected)
PIVOT: Final = ShipmentArranged.__name__
FAILED: Final = _names(StockRejected, PaymentDeclined, ShipmentRefused, ShipmentCancelled)
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
    """What the tracker keeps of an event."""

    at: datetime
    reason: str | None = None


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
