"""Every invariant's query holds on clean data and finds exactly the violation that is planted."""

from uuid import UUID

import pytest

from lab.database import Database
from lab.verify.invariants import INVARIANTS, verify
from tests.integration.world import CONFIRMED, REJECTED, a_world


@pytest.fixture
def world(database_url):
    with a_world(database_url) as world:
        yield world


@pytest.fixture
def verdicts(world, database_url):
    def look():
        database = Database(database_url)
        try:
            return {verdict.name.replace(" ", "_"): verdict for verdict in verify(database)}
        finally:
            database.close()

    return look


def test_clean_data_keeps_every_promise_and_each_was_really_checked(verdicts):
    found = verdicts()
    assert set(found) == set(INVARIANTS)
    assert {name for name, verdict in found.items() if not verdict.holds} == set()
    assert {name for name, verdict in found.items() if not verdict.checked} == set()


def test_an_empty_database_breaks_no_promise(world, verdicts):
    for table in ("orders.orders", "inventory.inbox", "orchestrator.sagas"):
        world.do(f"DELETE FROM {table}")
    for table in ("inventory.reservations", "inventory.moves", "inventory.stock"):
        world.do(f"DELETE FROM {table}")
    for table in ("payment.payments", "payment.ledger", "notification.notifications"):
        world.do(f"DELETE FROM {table}")
    assert all(verdict.holds for verdict in verdicts().values())


BAND, ORCHESTRA = CONFIRMED["choreography"], CONFIRMED["orchestration"]
UNDONE = REJECTED["choreography"]
STRANGER = UUID(int=99)

PLANTS = {
    "an order that never ended": (
        "UPDATE orders.orders SET closed_at = NULL WHERE id = %s",
        BAND,
        {"every_accepted_order_ends"},
    ),
    "a rejection without a reason": (
        "UPDATE orders.orders SET reason = NULL WHERE id = %s",
        UNDONE,
        {"every_accepted_order_ends"},
    ),
    "confirmed without a carrier": (
        "DELETE FROM shipping.bookings WHERE order_id = %s",
        BAND,
        {"confirmed_means_done_exactly_once"},
    ),
    "confirmed without stock": (
        "DELETE FROM inventory.moves WHERE order_id = %s",
        BAND,
        {"confirmed_means_done_exactly_once"},
    ),
    "another amount captured than the total": (
        "UPDATE orders.orders SET total_cents = total_cents + 1 WHERE id = %s",
        BAND,
        {"confirmed_means_done_exactly_once"},
    ),
    "confirmed, but the shipment is unknown": (
        "DELETE FROM shipping.shipments WHERE order_id = %s",
        BAND,
        {"confirmed_means_done_exactly_once"},
    ),
    "rejected, but booked": (
        "INSERT INTO shipping.bookings (order_id, entry) VALUES (%s, 'booked')",
        UNDONE,
        {"rejected_means_nothing_is_left"},
    ),
    "rejected, but still held": (
        "DELETE FROM inventory.moves WHERE order_id = %s AND move = 'released'",
        UNDONE,
        {"rejected_means_nothing_is_left"},
    ),
    "rejected, but arranged": (
        "UPDATE shipping.shipments SET status = 'arranged' WHERE order_id = %s",
        UNDONE,
        {"rejected_means_nothing_is_left"},
    ),
    "rejected, but the money is held": (
        "UPDATE payment.payments SET status = 'authorized' WHERE order_id = %s",
        UNDONE,
        {"rejected_means_nothing_is_left", "money_adds_up"},
    ),
    "a payment of another amount than its entries": (
        "UPDATE payment.payments SET amount_cents = 1 WHERE order_id = %s",
        BAND,
        {"money_adds_up"},
    ),
    "money without a payment": (
        "INSERT INTO payment.ledger (order_id, entry, amount_cents) VALUES (%s, 'captured', 1)",
        STRANGER,
        {"money_adds_up"},
    ),
    "a booking that happened twice": (
        "INSERT INTO shipping.bookings (order_id, entry) VALUES (%s, 'booked')",
        BAND,
        {"no_effect_happened_twice", "confirmed_means_done_exactly_once"},
    ),
    "a notification that was sent twice": (
        "INSERT INTO notification.notifications (order_id, customer_id, kind, message)"
        " VALUES (%s, 'c-1', 'confirmed', '')",
        BAND,
        {"no_effect_happened_twice", "notifications_agree_with_the_end"},
    ),
    "a message in the other mode": (
        "UPDATE inventory.inbox SET mode = 'orchestration' WHERE message_id LIKE %s || '%%'",
        BAND,
        {"no_saga_changed_mode"},
    ),
    "a message of another epoch": (
        "UPDATE inventory.inbox SET epoch = 7 WHERE message_id LIKE %s || '%%'",
        BAND,
        {"no_saga_changed_mode"},
    ),
    "a message about an order nobody placed": (
        "INSERT INTO inventory.inbox (message_id, mode, epoch)"
        " VALUES (%s || ':ReserveStock:1', 'orchestration', 1)",
        STRANGER,
        {"no_saga_changed_mode"},
    ),
    "an order of an epoch that never was": (
        "WITH epoch AS (UPDATE inventory.inbox SET epoch = 9 WHERE message_id LIKE %s || '%%'"
        " RETURNING split_part(message_id, ':', 1)::uuid AS id)"
        " UPDATE orders.orders SET epoch = 9 FROM epoch WHERE orders.id = epoch.id",
        BAND,
        {"every_mode_was_routed"},
    ),
    "an order placed before its epoch began": (
        "UPDATE orders.orders SET placed_at = now() - interval '61 minutes' WHERE id = %s",
        BAND,
        {"every_mode_was_routed"},
    ),
    "an order placed after its epoch had ended": (
        "UPDATE orders.orders SET placed_at = now() - interval '59 minutes' WHERE id = %s",
        ORCHESTRA,
        {"every_mode_was_routed"},
    ),
    "the wrong news": (
        "UPDATE notification.notifications SET kind = 'rejected' WHERE order_id = %s",
        BAND,
        {"notifications_agree_with_the_end"},
    ),
    "no news": (
        "DELETE FROM notification.notifications WHERE order_id = %s",
        BAND,
        {"notifications_agree_with_the_end"},
    ),
    "a conducted order without a saga": (
        "DELETE FROM orchestrator.sagas WHERE order_id = %s",
        ORCHESTRA,
        {"sagas_agree_with_their_orders"},
    ),
    "a saga that says otherwise": (
        "UPDATE orchestrator.sagas SET outcome = 'rejected' WHERE order_id = %s",
        ORCHESTRA,
        {"sagas_agree_with_their_orders"},
    ),
    "a saga that is stuck": (
        "UPDATE orchestrator.sagas SET status = 'stuck' WHERE order_id = %s",
        ORCHESTRA,
        {"sagas_agree_with_their_orders"},
    ),
}


@pytest.mark.parametrize(("statement", "victim", "expected"), PLANTS.values(), ids=PLANTS)
def test_a_planted_violation_is_found_and_named(world, verdicts, statement, victim, expected):
    world.do(
        statement, victim if "LIKE" not in statement and "||" not in statement else str(victim)
    )
    broken = {name: verdict for name, verdict in verdicts().items() if not verdict.holds}
    assert set(broken) == expected
    for verdict in broken.values():
        assert verdict.violations == 1
        assert str(victim) in str(verdict.example)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE inventory.stock SET on_hand = on_hand - 1",
        "UPDATE inventory.stock SET on_hand = on_hand - 1, reserved = reserved + 1",
        "UPDATE inventory.stock SET on_hand = on_hand + 1, shipped = shipped - 1",
    ],
)
def test_stock_that_does_not_add_up_is_found_by_its_sku(world, verdicts, statement):
    world.do(statement)
    broken = [verdict for verdict in verdicts().values() if not verdict.holds]
    assert [(each.name, each.example) for each in broken] == [("stock adds up", "guitar")]


def test_a_saga_of_an_order_that_the_band_played_is_found(world, verdicts):
    world.saga(BAND, "confirmed")
    broken = {name for name, verdict in verdicts().items() if not verdict.holds}
    assert broken == {"sagas_agree_with_their_orders", "no_saga_changed_mode"}


@pytest.mark.parametrize(
    ("receipt", "mode", "epoch"),
    [
        ("orders.choreography.events-0-7", "", 0),
        (f"{BAND}:OrderPlaced:1!inventory/0123456789ab", "choreography", 2),
    ],
    ids=["what could not be read", "a replay"],
)
def test_the_receipt_of_a_dead_letter_breaks_no_promise(world, verdicts, receipt, mode, epoch):
    world.do("INSERT INTO inventory.inbox VALUES (%s, %s, %s)", receipt, mode, epoch)
    assert all(verdict.holds for verdict in verdicts().values())


def test_within_a_weight_both_modes_are_right(world, verdicts):
    world.do("UPDATE orders.route_history SET weight = 30")
    world.do("UPDATE orders.route_history SET mode = 'orchestration'")
    assert all(verdict.holds for verdict in verdicts().values())


@pytest.mark.parametrize("weight", [0, 100])
def test_a_mode_without_a_share_may_get_no_order(world, verdicts, weight):
    mode = "choreography" if weight == 0 else "orchestration"
    world.do("UPDATE orders.route_history SET mode = %s, weight = %s WHERE epoch = 2", mode, weight)
    broken = [verdict for verdict in verdicts().values() if not verdict.holds]
    assert [(each.name, each.violations) for each in broken] == [("every mode was routed", 2)]
