"""Counts restarts inside supervisord, which knows them all and reports none.

Loaded by supervisord as an RPC interface before it starts its first process; its events are
exact, whereas its log is rotated.
"""

from collections import Counter
from typing import Any

from supervisor.events import ProcessStateStartingEvent, subscribe


class Restarts:
    def __init__(self) -> None:
        self._starts: Counter[str] = Counter()
        subscribe(ProcessStateStartingEvent, self._note)

    def _note(self, event: Any) -> None:
        self._starts[event.process.config.name] += 1

    def count(self) -> dict[str, int]:
        """The first start of a process is not a restart."""
        return {name: starts - 1 for name, starts in self._starts.items()}


def make_restarts_interface(_supervisord: Any) -> Restarts:
    return Restarts()
