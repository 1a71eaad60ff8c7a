"""Inventory's rules: whatever it is told in whatever order, stock is neither made nor lost."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.inventory import handlers as inventory
from services.inventory.model import Level, Stock
from services.inventory.model import Status as Held
from services.kit.violations import Violation
from services.messages import (
    Item,
    ReleaseStock,
    ReserveStock,
    ShipStock,
    StockRejected,
    StockReserved,
)
from tests.unit.services.builders import ORDER_ID, order_ids, reasons, tried

STOCKED = 5
SKUS = ("guitar", "violin")

baskets = st.lists(st.builds(Item, st.sampled_from(SKUS), st.integers(1, 3)), min_size=1)


STOCK = {
    ReserveStock: inventory.reserve_stock,
    ReleaseStock: inventory.release_stock,
    ShipStock: inventory.ship_stock,
}
stock_commands = st.one_of(
    st.builds(lambda o, i: ReserveStock(order_id=o, items=tuple(i)), order_ids, baskets),
    st.builds(lambda o, r: ReleaseStock(order_id=o, reason=r), order_ids, reasons),
    st.builds(lambda o: ShipStock(order_id=o), order_ids),
)


def shelves():
    return Stock({sku: Level(STOCKED) for sku in SKUS})


def contents(stock):
    levels = {sku: replace(level) for sku, level in stock.levels.items()}
    return levels, dict(stock.reservations), list(stock.moves)


@given(st.lists(stock_commands, max_size=30))
def test_stock_is_neither_made_nor_lost(commands):
    stock = shelves()
    for command in commands:
        tried(STOCK[type(command)], command, stock)
        for level in stock.levels.values():
            assert level.on_hand + level.reserved + level.shipped == STOCKED
            assert min(level.on_hand, level.reserved, level.shipped) >= 0


@given(st.lists(stock_commands, max_size=30))
def test_what_is_reserved_is_what_open_reservations_hold(commands):
    stock = shelves()
    for command in commands:
        tried(STOCK[type(command)], command, stock)
    held = Counter()
    for reservation in stock.reservations.values():
        if reservation.status is Held.RESERVED:
            held.update({i.sku: 0 for i in reservation.items})
            for item in reservation.items:
                held[item.sku] += item.quantity
    assert {sku: level.reserved for sku, level in stock.levels.items()} == {
        sku: held[sku] for sku in SKUS
    }


@given(st.lists(stock_commands, max_size=30))
def test_stock_told_twice_changes_once_and_answers_the_same(commands):
    stock = shelves()
    for command in commands:
        said = tried(STOCK[type(command)], command, stock)
        before = contents(stock)
        assert tried(STOCK[type(command)], command, stock) == said
        assert contents(stock) == before


@given(st.lists(stock_commands, max_size=30))
def test_each_order_moves_stock_at_most_there_and_away(commands):
    stock = shelves()
    for command in commands:
        tried(STOCK[type(command)], command, stock)
    for order in {order for order, _ in stock.moves}:
        moves = [move for each, move in stock.moves if each == order]
        assert moves in (
            [Held.RESERVED],
            [Held.RESERVED, Held.RELEASED],
            [Held.RESERVED, Held.SHIPPED],
        )


def test_all_items_are_held_or_none():
    stock = shelves()
    items = (Item("guitar", 1), Item("violin", STOCKED + 1))
    said = inventory.reserve_stock(ReserveStock(order_id=ORDER_ID, items=items), stock)
    assert said == StockRejected(order_id=ORDER_ID, reason="out_of_stock")
    assert stock.levels["guitar"].on_hand == STOCKED


def test_one_sku_on_several_lines_is_counted_together():
    items = (Item("guitar", 3), Item("guitar", 3))
    said = inventory.reserve_stock(ReserveStock(order_id=ORDER_ID, items=items), shelves())
    assert isinstance(said, StockRejected)


def test_an_unknown_sku_is_out_of_stock():
    command = ReserveStock(order_id=ORDER_ID, items=(Item("kazoo", 1),))
    assert isinstance(inventory.reserve_stock(command, shelves()), StockRejected)


def test_a_reservation_that_comes_after_its_release_holds_nothing():
    stock = shelves()
    inventory.release_stock(ReleaseStock(order_id=ORDER_ID, reason="cancelled"), stock)
    said = inventory.reserve_stock(
        ReserveStock(order_id=ORDER_ID, items=(Item("guitar", 1),)), stock
    )
    assert said == StockRejected(order_id=ORDER_ID, reason="cancelled")
    assert stock.moves == []
    assert stock.levels["guitar"] == Level(STOCKED)


def test_a_refusal_does_not_take_back_what_is_held():
    stock = shelves()
    command = ReserveStock(order_id=ORDER_ID, items=(Item("guitar", 1),))
    inventory.reserve_stock(command, stock)
    assert isinstance(inventory.refuse_stock(command, stock, "refused"), StockReserved)


def test_shipped_stock_is_not_released():
    stock = shelves()
    inventory.reserve_stock(ReserveStock(order_id=ORDER_ID, items=(Item("guitar", 1),)), stock)
    inventory.ship_stock(ShipStock(order_id=ORDER_ID), stock)
    with pytest.raises(Violation):
        inventory.release_stock(ReleaseStock(order_id=ORDER_ID, reason="cancelled"), stock)
