"""What the order API takes and shows."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services.kit.api import NUMBER
from services.kit.message import Mode

Text = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")]
Name = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]
OrderStatus = Literal["pending", "confirmed", "rejected"]

EXAMPLE: dict[str, Any] = {
    "customer_id": "c-0017",
    "items": [{"sku": "guitar", "quantity": 1}],
    "card": "tok-visa",
    "currency": "EUR",
    "ship_to": {"name": "Ella", "country": "DE", "city": "Berlin", "postcode": "10115"},
}


class _Input(BaseModel):
    model_config = ConfigDict(extra="forbid")


class OrderItem(_Input):
    sku: Name
    quantity: Annotated[int, Field(ge=1, le=100), NUMBER]


class ShipTo(_Input):
    name: Text
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$", description="ISO 3166-1 alpha-2")]
    city: Text
    postcode: Text


class NewOrder(_Input):
    """An order to place; the shop knows the prices."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [EXAMPLE]})

    customer_id: Name
    items: Annotated[list[OrderItem], Field(min_length=1, max_length=50)]
    card: Annotated[str, Field(pattern=r"^tok-[a-z0-9-]{1,60}$", description="a card token")]
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$", description="ISO 4217")]
    ship_to: ShipTo


class Accepted(BaseModel):
    """The order is admitted; follow `Location` to see how it ends."""

    id: UUID
    status: OrderStatus
    mode: Mode
    epoch: int
    total_cents: int


class Heard(BaseModel):
    """One thing that happened to an order."""

    type: str
    source: str
    at: datetime
    attempt: int


class OrderSummary(BaseModel):
    id: UUID
    customer_id: str
    status: OrderStatus
    reason: str | None
    mode: Mode
    epoch: int
    total_cents: int
    currency: str
    placed_at: datetime
    ended_at: datetime | None
    closed_at: datetime | None


class OpenHold(BaseModel):
    """A rule holds a step until somebody answers, or until then."""

    rule: str
    step: str
    until: datetime


class OrderView(OrderSummary):
    items: list[OrderItem]
    cancel_requested_at: datetime | None
    trace_id: str | None
    timeline: list[Heard]
    holds: list[OpenHold]


class OrderPage(BaseModel):
    orders: list[OrderSummary]
    next: str | None


class OpenOrders(BaseModel):
    mode: Mode
    epoch: int
    orders: int


class EpochOrders(BaseModel):
    """Orders that the current epoch has admitted, of its first 20,000."""

    mode: Mode
    placed: int
    ended: int


class RouteChange(BaseModel):
    epoch: int
    mode: Mode
    weight: int
    changed_at: datetime


class CoordinationView(BaseModel):
    """`mode` gets `weight` percent of new orders, the other mode the rest."""

    mode: Mode
    weight: int
    epoch: int
    changed_at: datetime
    at: Annotated[datetime, Field(description="the database's clock, when this was read")]
    open: list[OpenOrders]
    current: list[EpochOrders]
    history: list[RouteChange]


class NewRoute(_Input):
    """`epoch` is the one you saw: if it has changed since, nothing is done."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"mode": "choreography", "weight": 10, "epoch": 1}]},
    )

    mode: Mode
    weight: Annotated[int, Field(ge=0, le=100), NUMBER] = 100
    epoch: Annotated[int, Field(ge=1, le=2**31 - 1), NUMBER]
