"""The saga as five FastStream services on Kafka: each reacts to the others' events.

Without inbox and outbox, as the framework's documentation shows it: an event is published after
the transaction, its acknowledgement precedes the handler, and the producer waits for the leader
only. A topic for each kind of event.
"""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import msgspec
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError
from faststream.kafka import KafkaBroker
from starlette.applications import Starlette

from benchmarks.peers import effects, web
from benchmarks.peers.orders import Order, connections, make_tables, patiently, tables_made

MODE = "choreography"
PARTITIONS = 4
PLACED = "order-placed.events"
ENDED = "order-ended.events"
RESERVED, OUT_OF_STOCK = "stock-reserved.events", "stock-rejected.events"
AUTHORIZED, DECLINED = "payment-authorized.events", "payment-declined.events"
ARRANGED, REFUSED = "shipment-arranged.events", "shipment-refused.events"
SHIPPED, CAPTURED = "stock-shipped.events", "payment-captured.events"
RELEASED, VOIDED = "stock-released.events", "payment-voided.events"
TOPICS = (
    *(PLACED, ENDED, RESERVED, OUT_OF_STOCK, AUTHORIZED, DECLINED),
    *(ARRANGED, REFUSED, SHIPPED, CAPTURED, RELEASED, VOIDED),
)

_HEARD = """
INSERT INTO {schema}.facts (saga_id, heard) VALUES ($1, jsonb_build_object($2::text, $3::text))
ON CONFLICT (saga_id) DO UPDATE SET heard = facts.heard || EXCLUDED.heard
RETURNING heard
"""


@dataclass(frozen=True)
class Fact:
    order_id: str
    reason: str | None = None


@dataclass(frozen=True)
class Ended:
    order_id: str
    customer_id: str
    reason: str | None = None


class Kit:
    """What each service needs: its database and its broker."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.broker = KafkaBroker(os.environ["BANDSTAND_KAFKA"], log_level=logging.DEBUG)
        self.shop: Any = None
        self.pool: Any = None

    @asynccontextmanager
    async def lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        async with await connections() as self.pool:
            await (make_tables if self.name == "order" else tables_made)(self.pool)
            self.shop = effects.Shop(self.pool)
            await make_topics()
            await self.broker.start()
            try:
                yield
            finally:
                await self.broker.stop()

    def on(self, *topics: str) -> Any:
        """Several messages at a time: one handler waits for its commit, the next one works."""
        group = f"{self.name}-{topics[0]}"
        return self.broker.subscriber(
            *topics, group_id=group, auto_offset_reset="earliest", max_workers=10
        )

    async def tell(self, topic: str, event: Any) -> None:
        await self.broker.publish(event, topic, key=event.order_id.encode())

    async def heard(self, connection: Any, order_id: str, kind: str, value: str) -> dict[str, str]:
        """A join remembers each part; the row's lock lets the last one see all of them."""
        query = _HEARD.format(schema={"order": "orders"}.get(self.name, self.name))
        found = await connection.fetchval(query, order_id, kind, value)
        return msgspec.json.decode(found, type=dict[str, str])


def inventory(kit: Kit) -> None:
    @kit.on(PLACED)
    async def on_order_placed(order: Order) -> None:
        reason = await kit.shop.do(effects.reserve, order)
        await kit.tell(OUT_OF_STOCK if reason else RESERVED, Fact(order.order_id, reason))

    @kit.on(ARRANGED)
    async def on_shipment_arranged(fact: Fact) -> None:
        await kit.shop.do(effects.ship, fact.order_id)
        await kit.tell(SHIPPED, fact)

    @kit.on(DECLINED, REFUSED)
    async def on_failure_elsewhere(fact: Fact) -> None:
        await kit.shop.do(effects.release, fact.order_id, fact.reason)
        await kit.tell(RELEASED, fact)


def payment(kit: Kit) -> None:
    @kit.on(PLACED)
    async def on_order_placed(order: Order) -> None:
        reason = await kit.shop.do(effects.authorize, order)
        await kit.tell(DECLINED if reason else AUTHORIZED, Fact(order.order_id, reason))

    @kit.on(ARRANGED)
    async def on_shipment_arranged(fact: Fact) -> None:
        await kit.shop.do(effects.capture, fact.order_id)
        await kit.tell(CAPTURED, fact)

    @kit.on(OUT_OF_STOCK, REFUSED)
    async def on_failure_elsewhere(fact: Fact) -> None:
        await kit.shop.do(effects.void, fact.order_id, fact.reason)
        await kit.tell(VOIDED, fact)


def shipping(kit: Kit) -> None:
    async def arrange(order_id: str, kind: str, value: str) -> None:
        async with kit.pool.acquire() as connection, connection.transaction():
            heard = await kit.heard(connection, order_id, kind, value)
        if len(heard) == 3:
            reason = await kit.shop.do(effects.arrange, order_id, heard["placed"])
            await kit.tell(REFUSED if reason else ARRANGED, Fact(order_id, reason))

    @kit.on(PLACED)
    async def on_order_placed(order: Order) -> None:
        await arrange(order.order_id, "placed", order.country)

    @kit.on(RESERVED)
    async def on_stock_reserved(fact: Fact) -> None:
        await arrange(fact.order_id, "reserved", "")

    @kit.on(AUTHORIZED)
    async def on_payment_authorized(fact: Fact) -> None:
        await arrange(fact.order_id, "authorized", "")


def order(kit: Kit) -> None:
    async def end(fact: Fact, kind: str) -> None:
        async with kit.pool.acquire() as connection, connection.transaction():
            heard = await kit.heard(connection, fact.order_id, kind, fact.reason or "")
            if len(heard) < 2:
                return
            await effects.end(connection, fact.order_id, heard["stock"] or heard["payment"] or None)
            found = await connection.fetchrow(
                "SELECT customer_id, reason FROM orders.orders WHERE id = $1", fact.order_id
            )
        await kit.tell(ENDED, Ended(fact.order_id, found["customer_id"], found["reason"]))

    @kit.on(SHIPPED, OUT_OF_STOCK, RELEASED)
    async def on_stock_settled(fact: Fact) -> None:
        await end(fact, "stock")

    @kit.on(CAPTURED, DECLINED, VOIDED)
    async def on_payment_settled(fact: Fact) -> None:
        await end(fact, "payment")


def notification(kit: Kit) -> None:
    @kit.on(ENDED)
    async def on_order_ended(event: Ended) -> None:
        await kit.shop.do(effects.notify, event.order_id, event.customer_id, event.reason)


async def make_topics() -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=os.environ["BANDSTAND_KAFKA"])
    await patiently(admin.start, KafkaError)
    try:
        await admin.create_topics([NewTopic(topic, PARTITIONS, 1) for topic in TOPICS])
    except TopicAlreadyExistsError:
        return
    finally:
        await admin.close()


def run(process: str) -> None:
    kit = Kit(process)
    parts: dict[str, Callable[[Kit], None]] = {
        "order": order,
        "inventory": inventory,
        "payment": payment,
        "shipping": shipping,
        "notification": notification,
    }
    parts[process](kit)

    async def place(placed: Order, key: str) -> None:
        await kit.shop.place(placed, MODE, key)
        await kit.tell(PLACED, placed)

    web.serve(
        web.shop(place, MODE, kit.lifespan) if process == "order" else web.silent(kit.lifespan)
    )
