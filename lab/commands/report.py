"""`bandstand report`: the figures of the last demo."""

from pathlib import Path
from typing import Annotated

import typer

from lab.output import AsJson, out, print_json, say
from lab.report.model import Report
from lab.report.tables import side_by_side, watched_side_by_side

Folder = Annotated[Path, typer.Option(help="Where report.json and report.html are.")]


def report(folder: Folder = Path("out"), as_json: AsJson = False) -> None:
    """Show the last report, and make its page anew."""
    from lab.report.page import read, write  # plotly takes a second to import

    found = read(folder)
    page = write(found, folder)
    if as_json:
        print_json(found)
    else:
        show(found, page)


def show(found: Report, page: Path) -> None:
    out.print(side_by_side(found))
    if found.monitoring:
        out.print()
        out.print(watched_side_by_side(found.monitoring))
        out.print()
    switch = found.switch
    out.print(
        f"{switch.switches} live switches under {switch.orders:,} orders with faults: "
        f"{switch.lost} lost, {switch.duplicated} duplicated, {switch.stuck} stuck."
    )
    broken = [verdict.name for verdict in found.invariants if not verdict.holds]
    out.print(f"{len(found.invariants) - len(broken)} of {len(found.invariants)} invariants hold.")
    say(f"the whole of it: {page.resolve().as_uri()}")
