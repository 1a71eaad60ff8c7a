"""The six services with their real code, put together over tables in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from services.catalogue import PRICES_CENTS, SOLD_OUT
from services.inventory.model import Level
from services.inventory.service import PLAYBOOK as INVENTORY
from services.kit.batch import Core
from services.kit.faults import Faults
from services.kit.handling import Playbook
from services.kit.latency import Latency
from services.kit.message import Epoch, Mode
from services.kit.metrics import Metrics
from services.kit.participant import External, Participant
from services.kit.topics import topics_of
from services.kit.tracing import Tracing
from services.messages import vocabulary
from services.notification.service import PLAYBOOK as NOTIFICATION
from services.orchestrator.engine import Orchestrator
from services.orchestrator.order_saga import ORDER
from services.orchestrator.service import TOPICS
from services.order.model import Route
from services.order.service import NOTHING, OBSERVED, TIMELINE_TOPICS
from services.order.service import PLAYBOOK as ORDERS
from services.payment.card_network import CardNetwork
from services.payment.service import PLAYBOOK as PAYMENT
from services.policy.point import EnforcementPoint
from services.policy.steps import POINTS
from services.shipping.carrier import Carrier
from services.shipping.service import PLAYBOOK as SHIPPING
from tests.simulator.repositories import (
    Accounts,
    MemoryNotifications,
    MemoryOrders,
    MemoryPayments,
    MemorySagas,
    MemoryShipments,
    MemoryStock,
    OrderBook,
    Scores,
    Shelves,
    Waybills,
    hear,
)

WORDS = vocabulary()
NO_WAIT = Latency(0.0, 1)
STEP_TIMEOUT_SECONDS = 5.0


@dataclass(frozen=True)
class Blueprint:
    """What reads as one consumer group; `core` is made at each start.

    A service's listener works on the tables of its service, which makes them once.
    """

    name: str
    service: str
    topics: list[str]
    core: Callable[[Faults, EnforcementPoint], Core]
    listens_only: bool = False


def _participant(
    name: str, playbook: Playbook, repository: Any, external: External | None = None
) -> Blueprint:
    def core(faults: Faults, point: EnforcementPoint) -> Participant[Any]:
        enforces = point if name in POINTS else None
        return Participant(name, playbook, WORDS, repository, faults, external, point=enforces)

    return Blueprint(name, name, topics_of(playbook, WORDS), core)


def _timeline(_faults: Faults, _point: EnforcementPoint) -> Participant[Any]:
    return Participant(
        "order",
        NOTHING,
        WORDS,
        MemoryOrders(),
        Faults(),
        observer=hear,
        observes=OBSERVED,
        inbox="@timeline",
    )


def _conductor(faults: Faults, point: EnforcementPoint) -> Orchestrator:
    definitions, seconds = {ORDER.version: ORDER}, STEP_TIMEOUT_SECONDS
    return Orchestrator(definitions, WORDS, MemorySagas(), faults, seconds, point=point)


def full_shelves(stocked: int) -> Shelves:
    return Shelves({sku: Level(0 if sku in SOLD_OUT else stocked) for sku in PRICES_CENTS})


def an_empty_book(_stocked: int) -> OrderBook:
    return OrderBook(Route(Mode.ORCHESTRATION, 100, Epoch(1)))


TABLES: dict[str, Callable[[int], Any]] = {
    "order": an_empty_book,
    "inventory": full_shelves,
    "payment": lambda _: Accounts(),
    "shipping": lambda _: Waybills(),
    "notification": lambda _: [],
    "orchestrator": lambda _: Scores(),
}
BLUEPRINTS = (
    _participant("order", ORDERS, MemoryOrders()),
    Blueprint("order-timeline", "order", TIMELINE_TOPICS, _timeline, listens_only=True),
    _participant("inventory", INVENTORY, MemoryStock()),
    _participant("payment", PAYMENT, MemoryPayments(), CardNetwork(NO_WAIT)),
    _participant("shipping", SHIPPING, MemoryShipments(), Carrier(NO_WAIT)),
    _participant("notification", NOTIFICATION, MemoryNotifications()),
    Blueprint("orchestrator", "orchestrator", TOPICS, _conductor),
)


@cache
def metrics(name: str) -> Metrics:
    """They count over all schedules; nothing depends on them."""
    return Metrics(name)


@cache
def tracing(name: str) -> Tracing:
    return Tracing(name, f"{name}-0", metrics(name))
