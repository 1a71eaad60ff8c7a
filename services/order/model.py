"""Orders and their route: pure rules, no I/O.

An order's mode and epoch are chosen once, at admission, and an order has one end.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import blake2b
from secrets import randbits
from uuid import UUID

from services.kit.message import Epoch, Mode, SagaId


class Status(StrEnum):
    PENDING = "pending"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"


@dataclass(frozen=True)
class Route:
    """`mode` gets `weight` percent of the new orders, the other mode the rest."""

    mode: Mode
    weight: int
    epoch: Epoch

    def choose(self, order_id: SagaId) -> Mode:
        """The same for the same order and route, whoever asks and how often."""
        return self.mode if bucket(order_id) < self.weight else self.mode.other

    def share(self, mode: Mode) -> int:
        """Percent of the new orders."""
        return self.weight if mode is self.mode else 100 - self.weight


@dataclass(frozen=True)
class Order:
    order_id: SagaId
    customer_id: str
    status: Status
    reason: str | None = None


@dataclass
class Orders:
    """The orders that a batch is about; `ended` is what it changes."""

    orders: dict[SagaId, Order] = field(default_factory=dict)
    ended: list[Order] = field(default_factory=list)

    def end(self, order_id: SagaId, status: Status, reason: str | None = None) -> Order:
        order = Order(order_id, self.orders[order_id].customer_id, status, reason)
        self.orders[order_id] = order
        self.ended.append(order)
        return order


def bucket(order_id: SagaId) -> int:
    """0 to 99, uniform over order ids."""
    return int.from_bytes(blake2b(order_id.encode(), digest_size=8).digest(), "big") % 100


def new_order_id() -> SagaId:
    """A version 7 UUID (RFC 9562): ordered by time, so that new rows share index pages."""
    milliseconds = time.time_ns() // 1_000_000
    value = milliseconds << 80 | 7 << 76 | randbits(12) << 64 | 2 << 62 | randbits(62)
    return SagaId(str(UUID(int=value)))
