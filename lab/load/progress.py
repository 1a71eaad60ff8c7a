"""A load's progress in the terminal: how many orders were placed, and how many have ended."""

from types import TracebackType
from typing import Self

from lab.load.loops import Placed
from lab.output import bars


class Bars:
    """Two bars on stderr; without a terminal nothing is drawn."""

    def __init__(self, orders: int) -> None:
        self._progress = bars("{task.description:>6}")
        self._placed = self._progress.add_task("placed", total=orders)
        self._ended = self._progress.add_task("ended", total=orders)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def placed(self, _placed: Placed) -> None:
        self._progress.advance(self._placed)

    def ended(self) -> None:
        self._progress.advance(self._ended)
