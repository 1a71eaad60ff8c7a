"""Orders that come in while something happens, and the route that they take."""

import threading
from contextlib import contextmanager

from lab.coordination.route import read_route, switch
from lab.errors import NotReadyError
from lab.load.door import Door
from lab.load.load import Load
from lab.load.mix import mix
from lab.load.summary import summarize
from tests.integration.waiting import eventually

RATE = 10.0
PATIENCE_SECONDS = 300.0
LONGEST_SECONDS = 1800


def turn(order):
    mode = read_route(order).mode.other
    switch(order, mode, 100, print)
    return mode


def halves(order):
    switch(order, read_route(order).mode, 50, print)


class Silent:
    def placed(self, _placed): ...

    def ended(self): ...


@contextmanager
def under_load(url, database, orders, doomed=10):
    """So many orders come in while the block runs; afterwards every one of them has ended."""
    load = Load(mix(orders, seed=7, doomed=doomed), Door(url, PATIENCE_SECONDS), database)
    with _coming_in(load, RATE) as thread:
        yield load
        thread.join()
    assert load.ledger.turned_away == {}
    assert_sound(load, database)


@contextmanager
def while_orders_come(url, database, rate=RATE):
    """Orders come in from before the block until after it, however long it takes; afterwards every
    one that was accepted has ended."""
    planned = mix(round(rate * LONGEST_SECONDS), seed=7, doomed=10)
    load = Load(planned, Door(url, PATIENCE_SECONDS), database)
    ledger = load.ledger
    with _coming_in(load, rate) as thread:
        eventually(lambda: ledger.placed, "the first order")
        yield load
        assert thread.is_alive(), "the block took longer than there were orders"
        asked = {int(key.rpartition("-")[2]) for key in list(ledger.keys)}

        def is_answered():
            """Every order of the block, and one after it; others may be stopped in mid-asking."""
            return asked < {each.number for each in ledger.placed} | set(ledger.turned_away)

        eventually(is_answered, "an answer to every order", PATIENCE_SECONDS)
    assert asked.isdisjoint(ledger.turned_away), ledger.turned_away
    eventually(lambda: summarize(ledger, database).sound, "all have ended", PATIENCE_SECONDS)
    assert_sound(load, database)


@contextmanager
def _coming_in(load, rate):
    failures = []

    def run():
        try:
            load.open(rate, 7, Silent(), PATIENCE_SECONDS)
        except NotReadyError as error:
            failures.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield thread
    finally:
        load.stop()
        thread.join(PATIENCE_SECONDS)
    assert failures == []


def wait_for_one_in(mode, load):
    eventually(
        lambda: any(e.order.mode == mode for e in load.ledger.placed), within=PATIENCE_SECONDS
    )


def wait_for_share(load, share):
    wanted = share * len(load.ledger.planned)
    eventually(lambda: len(load.ledger.placed) >= wanted, within=PATIENCE_SECONDS)


def assert_sound(load, database):
    summary = summarize(load.ledger, database)
    assert summary.sound, summary
