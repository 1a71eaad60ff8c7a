"""One load from its first order to the end of its last one."""

import threading
import time
from collections.abc import Callable
from typing import Protocol

from lab.database import Database
from lab.errors import NotReadyError
from lab.load.door import Accepted, Door
from lab.load.ends import Ends
from lab.load.loops import Ledger, Loop, Placed
from lab.load.mix import Planned
from lab.load.schedule import arrivals

OPEN_LOOP_PAUSE = 0.2
CLOSED_LOOP_PAUSE = 0.02
TURN_SECONDS = 0.1


class Watcher(Protocol):
    """Is told of everything as it happens, from many threads."""

    def placed(self, placed: Placed) -> None: ...

    def ended(self) -> None: ...


class Load:
    """Run it once, with `open` or `closed`; its ledger says at any time how far it has come."""

    def __init__(self, planned: list[Planned], door: Door, database: Database) -> None:
        self.ledger = Ledger(planned)
        self._door = door
        self._database = database

    def open(self, rate: float, seed: int, watcher: Watcher, patience: float) -> None:
        """At `rate` orders a second, however the stack fares."""
        due = arrivals(len(self.ledger.planned), rate, seed)
        with Ends(self._database, OPEN_LOOP_PAUSE, watcher.ended) as ends:
            self._run(ends, watcher, patience, lambda loop: loop.open(due))

    def closed(self, concurrency: int, watcher: Watcher, patience: float) -> None:
        """With `concurrency` orders open at any time."""
        slots = threading.Semaphore(concurrency)

        def on_end() -> None:
            slots.release()
            watcher.ended()

        with Ends(self._database, CLOSED_LOOP_PAUSE, on_end) as ends:
            self._run(ends, watcher, patience, lambda loop: loop.closed(slots))

    def place(self, planned: Planned) -> Accepted:
        """One order, by hand; nobody watches it."""
        return self._door.place(planned.draft, self.ledger.key(planned.number))

    def stop(self) -> None:
        """From any thread: no more orders; what was accepted is left to itself."""
        self._door.shut()

    def _run(
        self, ends: Ends, watcher: Watcher, patience: float, send: Callable[[Loop], None]
    ) -> None:
        send(Loop(self._door, self.ledger, ends, watcher.placed))
        self._await_ends(ends, patience)

    def _await_ends(self, ends: Ends, patience: float) -> None:
        """Gives up when no order has ended for `patience` seconds; the summary says `unended`."""
        left, since = ends.open, time.monotonic()
        while left and time.monotonic() - since < patience:
            if not ends.watching:
                raise NotReadyError("the database cannot be watched any more; the load stopped")
            if self._door.shut_within(TURN_SECONDS):
                return
            if ends.open != left:
                left, since = ends.open, time.monotonic()
