"""Shipments: pure rules, no I/O. An order's shipment is arranged or not, and that is final."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from services.kit.message import SagaId


class Status(StrEnum):
    ARRANGED = "arranged"
    REFUSED = "refused"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class CarrierAnswer:
    """The carrier's word: a tracking number, or why it will not go there."""

    tracking: str | None = None
    refused: str | None = None


@dataclass(frozen=True)
class Shipment:
    order_id: SagaId
    status: Status
    tracking: str | None = None
    reason: str | None = None


@dataclass
class Shipments:
    """The shipments that a batch is about; `bookings` is what it adds to them."""

    answers: Mapping[SagaId, CarrierAnswer] = field(default_factory=dict)
    shipments: dict[SagaId, Shipment] = field(default_factory=dict)
    bookings: list[SagaId] = field(default_factory=list)

    def arrange(self, order_id: SagaId, tracking: str) -> None:
        self.shipments[order_id] = Shipment(order_id, Status.ARRANGED, tracking)
        self.bookings.append(order_id)

    def close(self, order_id: SagaId, status: Status, reason: str) -> None:
        """No shipment for this order, now and later."""
        self.shipments[order_id] = Shipment(order_id, status, reason=reason)
