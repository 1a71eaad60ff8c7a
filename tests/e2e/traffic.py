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
PATIENCE_SECONDS = 90.0
TRANSITION_SECONDS = 90.0


def turn(order):
    mode = read_route(order).mode.other
    switch(order, mode, 100, print)


def halves(order):
    switch(order, read_route(order).mode, 50, print)


class Silent:
    def placed(self, _placed): ...

    def ended(self): ...


@contextmanager
def under_load(url, database, orders, doomed=10, rate=RATE):
    """Orders come in while the block runs; afterwards every one of them has ended."""
    load = Load(mix(orders, seed=7, doomed=doomed), Door(url), database)
    failures = []

    def run():
        try:
            load.open(rate, 7, Silent(), PATIENCE_SECONDS)
        except NotReadyError as error:
            failures.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield load
        thread.join()
    finally:
        load.stop()
    assert failures == []
    assert_sound(load, database)


def wait_for_share(load, share):
    wanted = share * len(load.ledger.planned)
    eventually(lambda: len(load.ledger.placed) >= wanted, within=TRANSITION_SECONDS)


def assert_sound(load, database):
    summary = summarize(load.ledger, database)
    assert summary.sound, summary
    assert load.ledger.turned_away == {}
