"""The matrix as tables: one a mode, a row a point and direction, a column a service; and one of
the faults of servers, networks, replicas and messages, a row a fault and mode."""

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from lab.chaos.faults.kinds import MODES, ServerFault
from lab.chaos.kinds import Direction
from lab.chaos.results import CellResult, Matrix, worst
from lab.stack.options import SERVICES
from services.kit.crash_points import Point
from services.kit.message import Mode

ARROWS = {Direction.FORWARD: "→", Direction.BACKWARD: "←"}


def tables(matrix: Matrix) -> list[Table]:
    faults = [cell for cell in matrix.cells if isinstance(cell.point, ServerFault)]
    points = [cell for cell in matrix.cells if isinstance(cell.point, Point)]
    modes = [mode for mode in MODES if any(cell.mode is mode for cell in points)]
    found = [_of_mode(mode, [cell for cell in points if cell.mode is mode]) for mode in modes]
    return [*found, _of_faults(faults)] if faults else found


def _of_faults(cells: Sequence[CellResult]) -> Table:
    table = Table(
        title="faults under load, in seconds", title_justify="left", box=None, header_style="bold"
    )
    for label in ("fault", "of", "mode"):
        table.add_column(label, no_wrap=True)
    for label in ("hits", "lasted", "gap", "backlog", "worst order"):
        table.add_column(label, justify="right", no_wrap=True)
    for cell in cells:
        figures = (cell.gap_seconds, cell.backlog_seconds, cell.worst_seconds)
        hits = Text(f"{cell.kills:,}") if cell.holds else _shown(cell)
        table.add_row(
            cell.point.value.replace("_", " "),
            cell.service,
            cell.mode,
            hits,
            *map(_seconds, (cell.lasted_seconds, *figures)),
        )
    return table


def _of_mode(mode: Mode, cells: Sequence[CellResult]) -> Table:
    services = [name for name in SERVICES if any(cell.service == name for cell in cells)]
    title = f"{mode}: the longest time without a completed order, in seconds"
    table = Table(title=title, title_justify="left", box=None, header_style="bold")
    table.add_column("killed", no_wrap=True)
    for service in services:
        table.add_column(service, justify="right", no_wrap=True)
    found = {(cell.point, cell.direction, cell.service): cell for cell in cells}
    for point in Point:
        for direction, arrow in ARROWS.items():
            row = [found.get((point, direction, service)) for service in services]
            if any(row):
                table.add_row(f"{arrow} {point.value.replace('_', ' ')}", *map(_shown, row))
    for label, field in (("longest backlog", "backlog"), ("worst order", "worst")):
        figures = [
            getattr(worst([cell for cell in cells if cell.service == name]), field)
            for name in services
        ]
        table.add_row(label, *map(_seconds, figures), style="dim")
    return table


def _shown(cell: CellResult | None) -> Text:
    if cell is None:
        return Text("")
    if not cell.kills:
        return Text("no kill", style="red")
    if cell.violations:
        return Text(f"{cell.violations} broken", style="red")
    return Text(_seconds(cell.gap_seconds), style="green")


def _seconds(seconds: float | None) -> str:
    return "–" if seconds is None else f"{seconds:.1f}"
