"""Stock and its reservations: pure rules, no I/O.

On hand + reserved + shipped never changes except by restocking.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from services.kit.message import SagaId
from services.messages import Item


class Status(StrEnum):
    RESERVED = "reserved"
    REJECTED = "rejected"
    RELEASED = "released"
    SHIPPED = "shipped"


@dataclass
class Level:
    on_hand: int
    reserved: int = 0
    shipped: int = 0


@dataclass
class Reservation:
    order_id: SagaId
    status: Status
    items: tuple[Item, ...] = ()
    reason: str | None = None


@dataclass
class Stock:
    """The part of the stock that a batch is about; `moves` is what happened to it, in order."""

    levels: dict[str, Level] = field(default_factory=dict)
    reservations: dict[SagaId, Reservation] = field(default_factory=dict)
    moves: list[tuple[SagaId, Status]] = field(default_factory=list)

    def has(self, items: Iterable[Item]) -> bool:
        wanted: dict[str, int] = {}
        for item in items:
            wanted[item.sku] = wanted.get(item.sku, 0) + item.quantity
        return all(
            sku in self.levels and self.levels[sku].on_hand >= quantity
            for sku, quantity in wanted.items()
        )

    def hold(self, order_id: SagaId, items: tuple[Item, ...]) -> None:
        for item in items:
            self.levels[item.sku].on_hand -= item.quantity
            self.levels[item.sku].reserved += item.quantity
        self._settle(Reservation(order_id, Status.RESERVED, items))
        self.moves.append((order_id, Status.RESERVED))

    def reject(self, order_id: SagaId, reason: str) -> None:
        self._settle(Reservation(order_id, Status.REJECTED, reason=reason))

    def release(self, order_id: SagaId, reason: str) -> None:
        """Give held items back; with nothing held, see to it that nothing will be."""
        held = self.reservations.get(order_id)
        if held is None:
            self._settle(Reservation(order_id, Status.RELEASED, reason=reason))
            return
        for item in held.items:
            self.levels[item.sku].reserved -= item.quantity
            self.levels[item.sku].on_hand += item.quantity
        self._settle(Reservation(order_id, Status.RELEASED, held.items, reason))
        self.moves.append((order_id, Status.RELEASED))

    def ship(self, order_id: SagaId) -> None:
        held = self.reservations[order_id]
        for item in held.items:
            self.levels[item.sku].reserved -= item.quantity
            self.levels[item.sku].shipped += item.quantity
        self._settle(Reservation(order_id, Status.SHIPPED, held.items))
        self.moves.append((order_id, Status.SHIPPED))

    def _settle(self, reservation: Reservation) -> None:
        self.reservations[reservation.order_id] = reservation
