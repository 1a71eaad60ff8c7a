"""Watches the orders of a load end, by asking the database for all open ones at once."""

import threading
import time
from collections.abc import Callable

import msgspec

from lab.database import Database, query

ENDED = query(__file__, "ended")
SHARE_OF_TIME = 10


class _Id(msgspec.Struct):
    id: str


class Ends:
    """`on_end` is called once for each order that ends, from the watching thread.

    The watch costs at most a tenth of one connection: it pauses ten times as long as its last
    question took, and at least `pause` seconds.
    """

    def __init__(
        self, database: Database, pause: float, on_end: Callable[[], None] = lambda: None
    ) -> None:
        self._database = database
        self._pause = pause
        self._on_end = on_end
        self._open: set[str] = set()
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="ends", daemon=True)

    def __enter__(self) -> "Ends":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def expect(self, order_id: str) -> None:
        with self._lock:
            self._open.add(order_id)

    @property
    def open(self) -> int:
        return len(self._open)

    @property
    def watching(self) -> bool:
        """False once the database was out of reach for longer than its patience."""
        return self._thread.is_alive()

    def _watch(self) -> None:
        pause = self._pause
        while not self._over.wait(pause):
            began = time.monotonic()
            self._look()
            pause = max(self._pause, SHARE_OF_TIME * (time.monotonic() - began))
        self._database.close()

    def _look(self) -> None:
        with self._lock:
            ids = list(self._open)
        if not ids:
            return
        ended = {row.id for row in self._database.rows(ENDED, _Id, ids=ids)}
        with self._lock:
            self._open -= ended
        for _ in ended:
            self._on_end()
