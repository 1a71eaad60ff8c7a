"""What `out/chaos.json` says about recoveries, folded for the report."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import TypeVar

import msgspec

from lab.report.model import MODES, Chaos, Recovery, Report, Spread

Key = TypeVar("Key")

KILLED = "killed"
AT_A_POINT = ("forward", "backward")


class Cell(msgspec.Struct, frozen=True):
    """As much of a cell as is shown; what an older file lacks is not known."""

    point: str
    service: str
    mode: str
    direction: str
    kills: int
    violations: int
    gap_seconds: float | None = None
    backlog_seconds: float | None = None
    worst_seconds: float | None = None
    lasted_seconds: float | None = None


class Matrix(msgspec.Struct, frozen=True):
    cells: list[Cell]
    rate: float | None = None
    planned: int | None = None


def with_chaos(report: Report, folder: Path) -> Report:
    """What the last matrix came to, if there was one; a file that cannot be read is none."""
    try:
        matrix = msgspec.json.decode((folder / "chaos.json").read_bytes(), type=Matrix)
    except (OSError, msgspec.MsgspecError):
        return report
    return msgspec.structs.replace(report, chaos=folded(matrix))


def folded(matrix: Matrix) -> Chaos:
    """A row for each service that was killed, whatever the point, and for each other fault."""
    points = [cell for cell in matrix.cells if cell.direction in AT_A_POINT]
    faults = [cell for cell in matrix.cells if cell.direction not in AT_A_POINT]
    rows = [
        *_rows(points, [(KILLED, service) for service in _distinct(c.service for c in points)]),
        *_rows(faults, _distinct((c.point, c.service) for c in faults)),
    ]
    cells = matrix.cells
    return Chaos(
        cells=matrix.planned or len(cells),
        struck=sum(cell.kills > 0 for cell in cells),
        violations=sum(cell.violations for cell in cells),
        rate=matrix.rate,
        rows=rows,
    )


def _rows(cells: Sequence[Cell], whats: Iterable[tuple[str, str]]) -> Iterator[Recovery]:
    for what, service in whats:
        for mode in MODES:
            found = [
                cell
                for cell in cells
                if (cell.service, cell.mode) == (service, mode) and what in (KILLED, cell.point)
            ]
            if found:
                yield _recovery(what, service, mode, found)


def _recovery(what: str, service: str, mode: str, cells: Sequence[Cell]) -> Recovery:
    return Recovery(
        fault=what,
        service=service,
        mode=mode,
        cells=len(cells),
        lasted_seconds=max((c.lasted_seconds or 0 for c in cells), default=0) or None,
        gap_seconds=_spread(cell.gap_seconds for cell in cells),
        backlog_seconds=_spread(cell.backlog_seconds for cell in cells),
        worst_seconds=_spread(cell.worst_seconds for cell in cells),
    )


def _spread(values: Iterable[float | None]) -> Spread | None:
    known = [value for value in values if value is not None]
    return Spread(round(median(known), 2), max(known)) if known else None


def _distinct(values: Iterable[Key]) -> list[Key]:
    return list(dict.fromkeys(values))
