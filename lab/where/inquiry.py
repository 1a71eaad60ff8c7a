"""Asks around until it is known where an order stands, and counts whom it had to ask."""

import time
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Self, TypeVar

import msgspec

from lab.api import Api
from lab.errors import BandstandError
from lab.stack.options import TRACKER
from lab.where.standing import Band, Standing, concluded, conducted, on_record, tracked
from lab.where.views import Notifications, OrderView, SagaView, State, TrackedView
from services.kit.message import Mode

Shape = TypeVar("Shape")


class UnknownOrderError(BandstandError):
    """Nobody has placed it, or not here."""


class Inquiry(msgspec.Struct, frozen=True):
    """`places` and `ms` are what the answer took; `saga` and `band` may have been asked later,
    for the whole picture."""

    order: OrderView
    standing: Standing
    places: int
    ms: float
    saga: SagaView | None = None
    band: Band | None = None


class Services:
    """The services' APIs, kept open for many questions; a tracker is asked where there is one."""

    def __init__(self, urls: Mapping[str, str]) -> None:
        self._urls = urls
        self._open = ExitStack()
        self._apis: dict[str, Api] = {}

    def __enter__(self) -> Self:
        for name, url in self._urls.items():
            self._apis[name] = self._open.enter_context(Api(url))
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def order(self, order_id: str) -> OrderView:
        order = self._find("order", f"/orders/{order_id}", OrderView)
        if order is None:
            raise UnknownOrderError(f"there is no order {order_id}")
        return order

    def saga(self, order_id: str) -> SagaView | None:
        return self._find("orchestrator", f"/sagas/{order_id}", SagaView)

    @property
    def tracks(self) -> bool:
        return TRACKER in self._urls

    def tracked(self, order_id: str) -> TrackedView | None:
        return self._find(TRACKER, f"/sagas/{order_id}", TrackedView)

    def band(self, order_id: str) -> Band:
        """Four questions, one to each player."""
        told = self._find("notification", f"/notifications?order_id={order_id}", Notifications)
        kinds = [each.kind for each in told.notifications] if told else []
        return Band(
            inventory=self._find("inventory", f"/reservations/{order_id}", State),
            payment=self._find("payment", f"/payments/{order_id}", State),
            shipping=self._find("shipping", f"/shipments/{order_id}", State),
            notification=State(" and ".join(kinds)) if kinds else None,
        )

    def _find(self, service: str, path: str, shape: type[Shape]) -> Shape | None:
        return self._apis[service].find(path, shape)


def inquire(services: Services, order_id: str) -> Inquiry:
    """Where the order stands and what it waits for. In both modes one place can tell: the order
    service hears of all that happens to its orders."""
    began = time.perf_counter()
    order = services.order(order_id)
    return Inquiry(order, on_record(order), 1, _ms_since(began))


def ask_who_knows(services: Services, order_id: str) -> Inquiry:
    """The same by the word of who decides it, or of the tracker if there is one: the order says
    which of them to ask. Where there is neither, what is on record has to do."""
    began = time.perf_counter()
    order = services.order(order_id)
    saga, standing, places = None, on_record(order), 1
    is_all_known = order.closed_at or order.holds
    if order.mode is Mode.ORCHESTRATION and not is_all_known:
        saga, places = services.saga(order_id), 2
        standing = conducted(order, saga)
    elif services.tracks and not is_all_known:
        standing, places = tracked(order, services.tracked(order_id)), 2
    return Inquiry(order, standing, places, _ms_since(began), saga)


def ask_everybody(services: Services, order_id: str) -> Inquiry:
    """What a choreographed order would take if the order service heard only its own part."""
    began = time.perf_counter()
    order, band = services.order(order_id), services.band(order_id)
    return Inquiry(order, concluded(order, band), 5, _ms_since(began), band=band)


def whole_picture(services: Services, order_id: str) -> Inquiry:
    """By the best word there is, and then everybody else's as well."""
    found = ask_who_knows(services, order_id)
    saga = found.saga
    if saga is None and found.order.mode is Mode.ORCHESTRATION:
        saga = services.saga(order_id)
    return msgspec.structs.replace(found, saga=saga, band=services.band(order_id))


def _ms_since(began: float) -> float:
    return round((time.perf_counter() - began) * 1000, 2)
