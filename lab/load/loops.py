"""Sends a load: in an open loop, where arrivals wait for nobody, or in a closed one, where a new
order comes in when an earlier one has ended."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Self
from uuid import uuid4

import msgspec

from lab.errors import NotReadyError
from lab.load.door import Accepted, Door, TurnedAwayError
from lab.load.ends import Ends
from lab.load.mix import Planned

WORKERS = 128
TURN_SECONDS = 0.5


class Placed(msgspec.Struct, frozen=True):
    """An accepted order; `reply_ms` counts from when it was due, not from when it was sent."""

    number: int
    order: Accepted
    reply_ms: float


class Ledger:
    """What a load has seen so far. Its threads only append, so it may be read while it grows."""

    def __init__(self, planned: Sequence[Planned]) -> None:
        self.planned = planned
        self.keys: list[str] = []
        self.placed: list[Placed] = []
        self.turned_away: dict[int, str] = {}
        self._run = uuid4().hex

    def key(self, number: int) -> str:
        """Unique to this run, so that the same seed twice places its orders twice."""
        self.keys.append(key := self._key(number))
        return key

    def _key(self, number: int) -> str:
        return f"{self._run}-{number}"

    @property
    def told(self) -> dict[str, str]:
        """The order that a customer was told of, by the key they had sent."""
        return {self._key(placed.number): placed.order.id for placed in self.placed}

    @property
    def ids(self) -> list[str]:
        return [placed.order.id for placed in self.placed]


class Loop:
    """One load through one door; shutting the door ends it before the next order."""

    def __init__(
        self,
        door: Door,
        ledger: Ledger,
        ends: Ends,
        on_placed: Callable[[Placed], None] = lambda _: None,
    ) -> None:
        self._door = door
        self._ledger = ledger
        self._ends = ends
        self._on_placed = on_placed

    def open(self, due: Sequence[float]) -> None:
        """`due` are seconds from now, ascending, one for each planned order."""
        start = time.monotonic()
        with _Customers(self._door) as customers:
            for planned, seconds in zip(self._ledger.planned, due, strict=True):
                if self._door.shut_within(max(0.0, start + seconds - time.monotonic())):
                    break
                customers.send(self._place, planned, start + seconds)

    def closed(self, slots: threading.Semaphore) -> None:
        """`slots` are as many as orders may be open at once; whoever sees one end gives it back."""
        with _Customers(self._door) as customers:
            for planned in self._ledger.planned:
                if not self._slot(slots):
                    break
                customers.send(self._place_or_free, planned, slots)

    def _slot(self, slots: threading.Semaphore) -> bool:
        while not self._door.shut_within(0):
            if not self._ends.watching:
                raise NotReadyError("the database cannot be watched any more; the load stopped")
            if slots.acquire(timeout=TURN_SECONDS):
                return True
        return False

    def _place_or_free(self, planned: Planned, slots: threading.Semaphore) -> None:
        if not self._place(planned, time.monotonic()):
            slots.release()

    def _place(self, planned: Planned, due: float) -> bool:
        number = planned.number
        try:
            accepted = self._door.place(planned.draft, self._ledger.key(number))
        except TurnedAwayError as refusal:
            self._ledger.turned_away[number] = str(refusal)
            return False
        reply_ms = (time.monotonic() - due) * 1000
        self._ledger.placed.append(placed := Placed(number, accepted, reply_ms))
        self._ends.expect(accepted.id)
        self._on_placed(placed)
        if planned.cancel:
            self._cancel(accepted.id)
        return True

    def _cancel(self, order_id: str) -> None:
        """A cancellation that does not get through changes nothing: the order must end anyway."""
        with suppress(TurnedAwayError):
            self._door.cancel(order_id)


class _Customers:
    """A pool of threads whose bugs are not swallowed: the first one surfaces when all have left.

    On an interrupt the door is shut before they are waited for, or those whom nobody opens would
    go on knocking for as long as their patience lasts.
    """

    def __init__(self, door: Door) -> None:
        self._door = door
        self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="customer")
        self._sent: list[Future[Any]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self._door.shut()
        self._pool.shutdown(wait=True, cancel_futures=kind is not None)
        if kind is None:
            for future in self._sent:
                future.result()

    def send(self, errand: Callable[..., Any], *arguments: object) -> None:
        self._sent.append(self._pool.submit(errand, *arguments))
