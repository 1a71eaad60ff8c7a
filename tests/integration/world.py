"""A small world of four orders, as the services would have left it: one confirmed and one rejected
in each mode."""

import json
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import psycopg

import services
from services.kit.migrate import migrate

SCHEMAS = {
    "order": "orders",
    "inventory": "inventory",
    "payment": "payment",
    "shipping": "shipping",
    "notification": "notification",
    "orchestrator": "orchestrator",
}
CONFIRMED = {"orchestration": UUID(int=1), "choreography": UUID(int=2)}
REJECTED = {"orchestration": UUID(int=3), "choreography": UUID(int=4)}
EPOCHS = {"orchestration": 1, "choreography": 2}
TOTAL_CENTS = 500
STOCKED = 100


class World:
    """Writes what services would have written."""

    def __init__(self, connection):
        self.connection = connection

    def do(self, statement, *values):
        self.connection.execute(statement, values)

    def clean(self):
        self.do("UPDATE orders.route_history SET changed_at = now() - interval '2 hours'")
        self.do(
            "INSERT INTO orders.route_history (epoch, mode, weight, changed_at)"
            " VALUES (2, 'choreography', 100, now() - interval '1 hour')"
        )
        self.do("DELETE FROM inventory.stock")
        self.do(
            "INSERT INTO inventory.stock (sku, on_hand, reserved, shipped, stocked)"
            " VALUES ('guitar', %s, 0, 2, %s)",
            STOCKED - 2,
            STOCKED,
        )
        for mode in EPOCHS:
            self.confirmed(CONFIRMED[mode], mode)
            self.rejected(REJECTED[mode], mode)

    def confirmed(self, order_id, mode):
        self.order(order_id, mode, "confirmed", None)
        self.stock(order_id, "shipped", "reserved", "shipped")
        self.money(order_id, "captured", "authorized", "captured")
        self.do(
            "INSERT INTO shipping.shipments (order_id, status) VALUES (%s, 'arranged')", order_id
        )
        self.do("INSERT INTO shipping.bookings (order_id, entry) VALUES (%s, 'booked')", order_id)

    def rejected(self, order_id, mode):
        """Refused by the carrier, so that everything had to be undone."""
        self.order(order_id, mode, "rejected", "not_serviceable")
        self.stock(order_id, "released", "reserved", "released")
        self.money(order_id, "voided", "authorized", "voided")
        self.do(
            "INSERT INTO shipping.shipments (order_id, status) VALUES (%s, 'refused')", order_id
        )

    def order(self, order_id, mode, status, reason):
        age = "30 minutes" if mode == "choreography" else "90 minutes"
        self.do(
            "INSERT INTO orders.orders (id, customer_id, items, total_cents, currency, card,"
            " ship_to, status, reason, mode, epoch, placed_at, ended_at, closed_at, deadline_at,"
            " request_hash) VALUES (%s, 'c-1', '[]', %s, 'EUR', 'tok-visa', '{}', %s, %s, %s, %s,"
            " now() - %s::interval, now(), now(), now(), '')",
            order_id,
            TOTAL_CENTS,
            status,
            reason,
            mode,
            EPOCHS[mode],
            age,
        )
        self.do(
            "INSERT INTO notification.notifications (order_id, customer_id, kind, message)"
            " VALUES (%s, 'c-1', %s, '')",
            order_id,
            status,
        )
        self.heard(order_id, mode, EPOCHS[mode])
        if mode == "orchestration":
            self.saga(order_id, status)

    def heard(self, order_id, mode, epoch, kind="OrderPlaced"):
        self.do(
            "INSERT INTO inventory.inbox (message_id, mode, epoch) VALUES (%s, %s, %s)",
            f"{order_id}:{kind}:1",
            mode,
            epoch,
        )

    def saga(self, order_id, outcome):
        self.do(
            "INSERT INTO orchestrator.sagas (order_id, version, status, outcome, state, placed,"
            " epoch) VALUES (%s, 1, 'ended', %s, '{}', '', 1)",
            order_id,
            outcome,
        )

    def stock(self, order_id, status, *moves):
        items = json.dumps([{"sku": "guitar", "quantity": 1}])
        self.do(
            "INSERT INTO inventory.reservations (order_id, status, items) VALUES (%s, %s, %s)",
            order_id,
            status,
            items,
        )
        for move in moves:
            self.do("INSERT INTO inventory.moves (order_id, move) VALUES (%s, %s)", order_id, move)

    def money(self, order_id, status, *entries):
        self.do(
            "INSERT INTO payment.payments (order_id, status, amount_cents, currency, card)"
            " VALUES (%s, %s, %s, 'EUR', 'tok-visa')",
            order_id,
            status,
            TOTAL_CENTS,
        )
        for entry in entries:
            self.do(
                "INSERT INTO payment.ledger (order_id, entry, amount_cents) VALUES (%s, %s, %s)",
                order_id,
                entry,
                TOTAL_CENTS,
            )


@contextmanager
def a_world(database_url):
    for service, schema in SCHEMAS.items():
        file = Path(services.__file__).parent / service / "schema.sql"
        migrate(database_url, schema, file).close()
    with psycopg.connect(database_url, autocommit=True) as connection:
        world = World(connection)
        world.clean()
        yield world
