"""`bandstand chaos`: every service killed at every point where two systems can disagree, and every
other fault that orders have to survive."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from lab.chaos.faults.kinds import ON_WHOM, FaultCell, ServerFault, plan_faults
from lab.chaos.matrix import cells_in, perform_all
from lab.chaos.plan import Scene, plan
from lab.chaos.results import Matrix, worst
from lab.chaos.scene import Tell
from lab.chaos.strike import Struck
from lab.chaos.tables import tables
from lab.commands.verify import table
from lab.demo.stage import on_stage
from lab.errors import ViolationError
from lab.output import AsJson, bars, err, out, print_json, save_json, say
from lab.stack.options import SERVICES, StackOptions
from lab.stack.progress import spinner
from lab.stack.run import running_stack
from services.kit.crash_points import Point
from services.kit.message import Mode

RATE = 40.0
FAILURES_SHOWN = 5
WIDTH = 112
Several = "may be given several times"


class Only(StrEnum):
    POINTS = "points"
    FAULTS = "faults"


@dataclass(frozen=True)
class Wanted:
    """Whoever names a point or a fault wants nothing else."""

    points: list[Point]
    faults: list[ServerFault]
    only: Only | None

    @property
    def are_points(self) -> bool:
        return self.only is not Only.FAULTS and bool(self.points or not self.faults)

    @property
    def are_faults(self) -> bool:
        return self.only is not Only.POINTS and bool(self.faults or not self.points)


def chaos(
    once: Annotated[
        bool, typer.Option("--once", help="Stop the stack after it, if it was started for it.")
    ] = False,
    points: Annotated[
        list[Point] | None, typer.Option(help=f"Only this crash point; {Several}.")
    ] = None,
    faults: Annotated[
        list[ServerFault] | None, typer.Option(help=f"Only this fault; {Several}.")
    ] = None,
    only: Annotated[Only | None, typer.Option(help="Only one half of the matrix.")] = None,
    services: Annotated[
        list[str] | None, typer.Option(help=f"Only this service; {Several}.")
    ] = None,
    modes: Annotated[list[Mode] | None, typer.Option(help=f"Only this mode; {Several}.")] = None,
    rate: Annotated[float, typer.Option(min=1, max=500, help="Orders a second.")] = RATE,
    seed: Annotated[int, typer.Option(help="The same seed places the same orders.")] = 1,
    folder: Annotated[Path, typer.Option(help="Where chaos.json goes.")] = Path("out"),
    as_json: AsJson = False,
) -> None:
    """Kill each service at each crash point, and bring about every other fault, in both modes."""
    scenes = _planned(Wanted(points or [], faults or [], only), services or [], modes or [])
    with ExitStack() as exits:
        with spinner(err) as progress:
            running = exits.enter_context(running_stack(StackOptions(), progress))
        with on_stage(running.stack) as stage, _progress(scenes) as tell:
            page = folder / "chaos.json"
            matrix = perform_all(stage, scenes, rate, seed, tell, lambda it: save_json(it, page))
        if not once:
            running.keep()
    _report(matrix, folder, as_json)


def _planned(wanted: Wanted, services: list[str], modes: list[Mode]) -> list[Scene | FaultCell]:
    struck = {service for pair in ON_WHOM.values() for service in pair}
    if unknown := sorted(set(services) - set(SERVICES) - struck):
        raise typer.BadParameter(f"no service {', '.join(unknown)}")
    scenes: list[Scene | FaultCell] = []
    if wanted.are_faults:
        scenes += plan_faults(wanted.faults, services, modes)
    if wanted.are_points:
        scenes += plan(wanted.points, services, modes)
    if not scenes:
        raise typer.BadParameter("there is no such cell in the matrix")
    return scenes


@contextmanager
def _progress(scenes: list[Scene | FaultCell]) -> Iterator[Tell]:
    """A bar on a terminal; elsewhere a line a kill."""
    bar = bars()
    task = bar.add_task("", total=sum(map(cells_in, scenes)))

    def tell(struck: Struck) -> None:
        cell = struck.cell
        what = f"{cell.mode} {cell.direction}: {cell.service} {cell.point.replace('_', ' ')}"
        bar.update(task, advance=1, description=what)
        if not err.is_terminal or not struck.kills:
            say(f"  {time.strftime('%X')} {what}" + ("" if struck.kills else ": it did not strike"))

    with bar:
        yield tell


def _report(matrix: Matrix, folder: Path, as_json: bool) -> None:
    page = save_json(matrix, folder / "chaos.json")
    if as_json:
        print_json(matrix)
    else:
        _show(matrix, page)
    if failures := matrix.failures:
        more = (
            f", and {len(failures) - FAILURES_SHOWN} more" if len(failures) > FAILURES_SHOWN else ""
        )
        raise ViolationError("; ".join(failures[:FAILURES_SHOWN]) + more)


def _show(matrix: Matrix, page: Path) -> None:
    wide = Console(highlight=False, width=max(out.width, WIDTH))
    for each in tables(matrix):
        wide.print(each)
        wide.print()
    out.print(table(matrix.invariants))
    total = worst(matrix.cells)
    out.print(
        f"\n{len(matrix.cells)} cells, {total.kills} kills, in {matrix.seconds:,.0f} s"
        f" at {matrix.rate:g} orders a second; {page}"
    )
