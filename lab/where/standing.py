"""Where an order stands and what it waits for; pure.

In both modes it is concluded, by somebody who knows the flow, from the events that the order
service has heard of its order anyway, or without those from what each participant says. In
orchestration there is somebody who decides it, and can be asked instead.
"""

import msgspec

from lab.where.views import OrderView, SagaView, State, TrackedView
from services.kit.message import Mode
from services.messages import (
    OrderCancelRequested,
    PaymentVoided,
    ShipmentCancelled,
    StockReleased,
)
from services.saga_tracker.model import awaited

WAITED_FOR = {"sent", "undoing"}
GOING_BACK = {each.__name__ for each in (OrderCancelRequested, StockReleased, PaymentVoided)}
FAILED = {"rejected", "released", "declined", "voided", "refused", "cancelled"}


class Standing(msgspec.Struct, frozen=True):
    stands: str
    waits_for: list[str]
    known_from: str


class Band(msgspec.Struct, frozen=True):
    """What the participants say; None: nothing yet."""

    inventory: State | None = None
    payment: State | None = None
    shipping: State | None = None
    notification: State | None = None


def on_record(order: OrderView) -> Standing:
    """What the order service can tell."""
    if order.closed_at:
        return closed(order)
    return held(order) if order.holds else recounted(order)


def closed(order: OrderView) -> Standing:
    return Standing(_end(order), [], "the order itself")


def held(order: OrderView) -> Standing:
    """Nobody but a person has anything to do, whoever coordinates it."""
    waits = [f"an answer to {hold.rule}, which holds {hold.step}" for hold in order.holds]
    return Standing("held", waits, "the order service, which was told of the hold")


def conducted(order: OrderView, saga: SagaView | None) -> Standing:
    if saga is None:
        waits = ["the orchestrator to hear of it"]
        return Standing(order.status, waits, "the orchestrator, which has no such saga yet")
    stands = order.status if saga.status == "running" else saga.status
    return Standing(stands, _open_steps(saga), "the orchestrator's saga")


def tracked(order: OrderView, saga: TrackedView | None) -> Standing:
    if saga is None:
        waits = ["the tracker to hear of it"]
        return Standing(order.status, waits, "the saga-tracker, which has heard nothing yet")
    stands = saga.status if saga.status == "stuck" else _end(order)
    return Standing(stands, saga.awaits, "the saga-tracker, from the events")


def recounted(order: OrderView) -> Standing:
    """The band waits for shipping's word before it undoes anything. A conductor who has not asked
    for a shipment goes back without."""
    heard = {fact.type for fact in order.timeline}
    if order.mode is Mode.ORCHESTRATION and heard & GOING_BACK:
        heard.add(ShipmentCancelled.__name__)
    return Standing(_end(order), list(awaited(heard)), "the order's own timeline")


def concluded(order: OrderView, band: Band) -> Standing:
    return Standing(_end(order), _missing(order, band), "what each participant said")


def _open_steps(saga: SagaView) -> list[str]:
    under_way = {name: step for name, step in saga.steps.items() if step.status in WAITED_FOR}
    return [
        f"{'the way back of ' if step.status == 'undoing' else ''}{name}"
        + (f", asked {step.attempt} times" if step.attempt > 1 else "")
        for name, step in under_way.items()
    ] or ["its next turn"]


def _end(order: OrderView) -> str:
    return f"{order.status} ({order.reason})" if order.reason else order.status


def _missing(order: OrderView, band: Band) -> list[str]:
    stock, money, parcel = (_status(each) for each in (band.inventory, band.payment, band.shipping))
    if order.ended_at:
        return _after_the_end(order, stock, money, told=band.notification is not None)
    if parcel == "arranged":
        return _after_the_pivot(stock, money)
    if FAILED & {stock, money, parcel}:
        return _on_the_way_back(stock, money)
    return _before_the_pivot(stock, money)


def _status(state: State | None) -> str:
    return state.status if state else "nothing"


def _before_the_pivot(stock: str, money: str) -> list[str]:
    waits = []
    if stock == "nothing":
        waits.append("inventory to reserve the stock")
    if money == "nothing":
        waits.append("payment to authorize the money")
    return waits or ["shipping to arrange the shipment"]


def _after_the_pivot(stock: str, money: str) -> list[str]:
    waits = []
    if money != "captured":
        waits.append("payment to capture the money")
    if stock != "shipped":
        waits.append("inventory to ship the stock")
    return waits or ["order to confirm"]


def _on_the_way_back(stock: str, money: str) -> list[str]:
    waits = []
    if stock not in FAILED:
        waits.append("inventory to hold nothing")
    if money not in FAILED:
        waits.append("payment to hold nothing")
    return waits or ["order to reject"]


def _after_the_end(order: OrderView, stock: str, money: str, *, told: bool) -> list[str]:
    waits = []
    if order.status == "rejected":
        held = {"inventory to release the stock": "reserved", "payment to void": "authorized"}
        waits = [what for what, status in held.items() if status in (stock, money)]
    waits.append("order to hear that" if told else "notification to tell the customer")
    return waits
