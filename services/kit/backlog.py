"""How many rows wait in the outbox, for whoever must not add more: known without asking.

The worker counts them once a second, and what this process wrote since is added. What other
replicas wrote since is not, so that all together may pass the bound by a second's worth. What was
committed just before a count may be in both until the next one: it is full that much early.
"""

from __future__ import annotations

import threading


class Backlog:
    """Thread-safe. Full at the limit, and from then on until half of it is gone, so that nobody is
    let in and turned away by turns."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._counted = 0
        self._since = 0
        self._full = False

    @property
    def full(self) -> bool:
        return self._full

    def count(self, unsent: int) -> None:
        """This many rows are there; only a count can tell that some are gone."""
        with self._lock:
            self._counted, self._since = unsent, 0
            if unsent <= self._limit // 2:
                self._full = False
            self._close_at_limit()

    def wrote(self, rows: int) -> None:
        with self._lock:
            self._since += rows
            self._close_at_limit()

    def _close_at_limit(self) -> None:
        if self._counted + self._since >= self._limit:
            self._full = True
