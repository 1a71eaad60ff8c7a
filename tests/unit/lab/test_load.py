"""Loads against a shop that stalls, fails and hangs up."""

import _thread
import socket
import time

import pytest

from lab.load.door import Door, TurnedAwayError
from lab.load.load import Load
from lab.load.mix import mix


class Nobody:
    def placed(self, _placed):
        pass

    def ended(self):
        pass


class StopsAtTheTenth(Nobody):
    def __init__(self, load):
        self._load = load

    def placed(self, _placed):
        if len(self._load.ledger.placed) >= 10:
            self._load.stop()


def a_load(shop, orders=20, cancelled=0.0, patience=5.0):
    return Load(mix(orders, seed=1, cancelled=cancelled), Door(shop.url, patience), shop.books)


def an_unused_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def test_every_order_of_an_open_loop_is_placed_once_and_accepted(shop):
    load = a_load(shop, orders=50)
    load.open(rate=1000, seed=1, watcher=Nobody(), patience=5)
    assert sorted(load.ledger.ids) == sorted(shop.books.orders.values())
    assert len(load.ledger.ids) == 50


def test_a_reply_that_was_lost_does_not_place_the_order_twice(shop):
    shop.books.upset = lambda path, attempt: 0 if attempt == 1 else None
    load = a_load(shop)
    load.open(rate=1000, seed=1, watcher=Nobody(), patience=5)
    assert len(shop.books.orders) == len(load.ledger.placed) == 20
    assert all(placed.order.attempts >= 2 for placed in load.ledger.placed)


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_shop_that_is_being_restarted_is_asked_again(shop, status):
    shop.books.upset = lambda path, attempt: status if attempt < 3 else None
    accepted = Door(shop.url).place(mix(1, seed=1)[0].draft, "key")
    assert accepted.attempts == 3


def test_a_refusal_is_not_repeated_and_not_accepted(shop):
    shop.books.upset = lambda path, attempt: 422
    load = a_load(shop)
    load.open(rate=1000, seed=1, watcher=Nobody(), patience=5)
    assert load.ledger.placed == []
    assert len(load.ledger.turned_away) == len(shop.books.requests) == 20


def test_a_shop_that_nobody_opens_is_given_up():
    door = Door(f"http://127.0.0.1:{an_unused_port()}", patience=0.2)
    with pytest.raises(TurnedAwayError, match="no answer"):
        door.place(mix(1, seed=1)[0].draft, "key")


def test_arrivals_do_not_wait_for_replies_that_do_not_come(shop):
    def stall(_path, _attempt):
        time.sleep(0.2)

    shop.books.upset = stall
    load, began = a_load(shop, orders=40), time.monotonic()
    load.open(rate=400, seed=1, watcher=Nobody(), patience=5)
    assert time.monotonic() - began < 40 * 0.2 / 2
    assert all(placed.reply_ms >= 200 for placed in load.ledger.placed)


def test_a_closed_loop_never_has_more_orders_open_than_it_may(shop):
    load = a_load(shop, orders=60)
    load.closed(concurrency=4, watcher=Nobody(), patience=5)
    assert len(load.ledger.placed) == 60
    assert shop.books.most_open <= 4


def test_a_closed_loop_goes_on_when_orders_are_refused(shop):
    shop.books.upset = lambda path, attempt: 422
    load = a_load(shop, orders=10)
    load.closed(concurrency=2, watcher=Nobody(), patience=5)
    assert len(load.ledger.turned_away) == 10


def test_the_chosen_share_is_cancelled_right_after_placing(shop):
    load = a_load(shop, orders=20, cancelled=25)
    load.open(rate=1000, seed=1, watcher=Nobody(), patience=5)
    assert len(shop.books.cancelled) == 5
    assert set(shop.books.cancelled) <= set(load.ledger.ids)


def test_a_load_whose_orders_never_end_gives_up_after_its_patience(shop):
    shop.books.keeps_open = True
    load = a_load(shop, orders=5)
    load.open(rate=1000, seed=1, watcher=Nobody(), patience=0.3)
    assert len(load.ledger.placed) == 5


def test_a_stopped_load_keeps_what_was_done_so_far(shop):
    load = a_load(shop, orders=10_000)
    load.open(rate=100, seed=1, watcher=StopsAtTheTenth(load), patience=5)
    assert 10 <= len(load.ledger.placed) < 10_000


def test_an_interrupted_load_knocks_no_more_at_a_shop_that_does_not_open(shop):
    def interrupt(_path, attempt):
        if attempt == 2:
            _thread.interrupt_main()
        return 503

    shop.books.upset = interrupt
    load, began = a_load(shop, orders=10_000, patience=60), time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        load.open(rate=100, seed=1, watcher=Nobody(), patience=5)
    assert time.monotonic() - began < 30


def test_two_loads_of_one_seed_place_their_orders_twice(shop):
    for _ in range(2):
        a_load(shop, orders=10).open(rate=1000, seed=1, watcher=Nobody(), patience=5)
    assert len(shop.books.orders) == 20
