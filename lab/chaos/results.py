"""What the cells came to, folded: pure."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from lab.chaos.faults.kinds import ServerFault
from lab.chaos.kinds import Direction
from lab.chaos.strike import Struck
from lab.verify.invariants import Verdict
from services.kit.crash_points import Point
from services.kit.message import Mode


class Recovery(msgspec.Struct, frozen=True):
    """`orders` lived through the kill. Seconds: the longest `gap` without a completed order, from
    the kill to the end of the `backlog`, and what the `worst` order took. None: not completed."""

    orders: int
    gap: float | None
    backlog: float | None
    worst: float | None


class Judgement(msgspec.Struct, frozen=True):
    """What a load came to at rest; its cells share it."""

    violations: int
    broken: list[str]
    lost: int
    duplicated: int
    quiet: bool

    @property
    def total(self) -> int:
        return self.violations + self.lost + self.duplicated + (not self.quiet)


class CellResult(msgspec.Struct, frozen=True):
    """`violations` are those of the whole load that the cell was struck under. `lasted_seconds`
    and what else was `seen` are a fault's, not a crash point's."""

    point: Point | ServerFault
    service: str
    mode: Mode
    direction: Direction | str
    kills: int
    orders: int
    violations: int
    broken: list[str]
    gap_seconds: float | None
    backlog_seconds: float | None
    worst_seconds: float | None
    lasted_seconds: float | None = None
    seen: dict[str, int] = {}

    @property
    def holds(self) -> bool:
        return self.kills >= 1 and self.violations == 0


class Matrix(msgspec.Struct, frozen=True):
    made_at: datetime
    seconds: float
    rate: float
    planned: int
    cells: list[CellResult]
    invariants: list[Verdict] = []

    @property
    def failures(self) -> list[str]:
        missing = self.planned - len(self.cells)
        return [
            *_broken_cells(self.cells),
            *(verdict.name for verdict in self.invariants if not verdict.holds),
            *([f"{missing} cells were not played"] if missing else []),
        ]


class Worst(msgspec.Struct, frozen=True):
    """The longest of each, over some cells."""

    kills: int
    gap: float | None
    backlog: float | None
    worst: float | None


def result(struck: Struck, recovery: Recovery, judgement: Judgement) -> CellResult:
    """A cell without a kill has nothing to recover from."""
    cell, killed = struck.cell, struck.kills > 0
    return CellResult(
        point=cell.point,
        service=cell.service,
        mode=cell.mode,
        direction=cell.direction,
        kills=struck.kills,
        orders=recovery.orders if killed else 0,
        violations=judgement.total + (not struck.calm),
        broken=judgement.broken,
        gap_seconds=_rounded(recovery.gap) if killed else None,
        backlog_seconds=_rounded(recovery.backlog) if killed else None,
        worst_seconds=_rounded(recovery.worst) if killed else None,
        lasted_seconds=_rounded(struck.lasted),
        seen=struck.seen,
    )


def worst(cells: Sequence[CellResult]) -> Worst:
    return Worst(
        kills=sum(cell.kills for cell in cells),
        gap=_longest(cell.gap_seconds for cell in cells),
        backlog=_longest(cell.backlog_seconds for cell in cells),
        worst=_longest(cell.worst_seconds for cell in cells),
    )


def _broken_cells(cells: Iterable[CellResult]) -> list[str]:
    return [
        f"{cell.point} of {cell.service} ({cell.mode}, {cell.direction}): {_why(cell)}"
        for cell in cells
        if not cell.holds
    ]


def _why(cell: CellResult) -> str:
    if not cell.kills:
        return "it did not strike"
    return f"{cell.violations} violations"


def _longest(seconds: Iterable[float | None]) -> float | None:
    return max((each for each in seconds if each is not None), default=None)


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 2)
