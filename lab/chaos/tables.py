"""The matrix as tables: one a mode, a row a point and direction, a column a service."""

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from lab.chaos.kinds import Direction
from lab.chaos.plan import MODES
from lab.chaos.results import CellResult, Matrix, worst
from lab.stack.options import SERVICES
from services.kit.crash_points import Point
from services.kit.message import Mode

ARROWS = {Direction.FORWARD: "→", Direction.BACKWARD: "←"}


def tables(matrix: Matrix) -> list[Table]:
    modes = [mode for mode in MODES if any(cell.mode is mode for cell in matrix.cells)]
    return [_of_mode(mode, [cell for cell in matrix.cells if cell.mode is mode]) for mode in modes]


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
