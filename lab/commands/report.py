"""`bandstand report`: the figures of the last demo, or of what runs now."""

from pathlib import Path
from typing import Annotated

import typer

from lab.commands.where import target_of, where
from lab.demo.programme import FEWEST_ORDERS, programme
from lab.errors import ViolationError
from lab.output import AsJson, out, print_json, say
from lab.report.model import Report
from lab.report.tables import side_by_side, watched_side_by_side
from lab.target import Target

ORDERS = 400

Folder = Annotated[Path, typer.Option(help="Where report.json and report.html are.")]


def report(
    context: typer.Context,
    folder: Folder = Path("out"),
    measure: Annotated[
        bool,
        typer.Option(
            "--measure",
            help="First place orders in both modes and switch live, without faults, on the stack "
            "that runs. With --kube always.",
        ),
    ] = False,
    orders: Annotated[
        int, typer.Option(min=FEWEST_ORDERS, max=100_000, help="In each mode, and live.")
    ] = ORDERS,
    seed: Annotated[int, typer.Option(help="The same seed places the same orders.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Show the last report and make its page anew, or measure what runs and report on that."""
    from lab.report.page import read, write  # plotly takes a second to import

    measured = measure or where(context).kube
    found = _measured(target_of(context), orders, seed) if measured else read(folder)
    page = write(found, folder)
    if as_json:
        print_json(found)
    else:
        show(found, page)
    if measured and not found.sound:
        raise ViolationError("a promise was broken; the report says which")


def _measured(target: Target, orders: int, seed: int) -> Report:
    from lab.demo.rehearsal import rehearse
    from lab.demo.stage import on_any_stage

    calm = programme(orders, seed, faults=())
    with on_any_stage(target) as stage:
        return rehearse(stage, calm, say)


def show(found: Report, page: Path) -> None:
    out.print(side_by_side(found))
    if found.monitoring:
        out.print()
        out.print(watched_side_by_side(found.monitoring))
        out.print()
    switch = found.switch
    faults = " with faults" if found.faults.rules else ""
    out.print(
        f"{switch.switches} live switches under {switch.orders:,} orders{faults}: "
        f"{switch.lost} lost, {switch.duplicated} duplicated, {switch.stuck} stuck."
    )
    broken = [verdict.name for verdict in found.invariants if not verdict.holds]
    out.print(f"{len(found.invariants) - len(broken)} of {len(found.invariants)} invariants hold.")
    say(f"the whole of it: {page.resolve().as_uri()}")
