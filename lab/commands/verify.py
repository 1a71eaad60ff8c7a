"""`bandstand verify`: the invariants, over everything that ever ran."""

from typing import Annotated

import typer
from rich.table import Table

from lab.commands.where import target_of
from lab.errors import ViolationError
from lab.output import AsJson, out, print_json, say
from lab.verify.invariants import Verdict
from lab.verify.invariants import verify as check
from lab.verify.quiet import await_quiet


def verify(
    context: typer.Context,
    timeout: Annotated[
        float, typer.Option(min=0, help="Seconds to wait for open orders to end.")
    ] = 60.0,
    as_json: AsJson = False,
) -> None:
    """Check that every order that ever ran kept all promises."""
    target = target_of(context)
    database = target.database()
    with target.broker() as broker:
        await_quiet(database, broker, timeout, say)
    verdicts = list(check(database))
    if as_json:
        print_json({"invariants": verdicts})
    else:
        out.print(table(verdicts))
    if broken := [verdict.name for verdict in verdicts if not verdict.holds]:
        raise ViolationError("does not hold: " + ", ".join(broken))


def table(verdicts: list[Verdict]) -> Table:
    shown = Table(box=None, pad_edge=False, header_style="bold")
    shown.add_column("invariant")
    shown.add_column("checked", justify="right")
    shown.add_column("violations", justify="right")
    shown.add_column("for example")
    for verdict in verdicts:
        style = "" if verdict.holds else "red"
        shown.add_row(
            verdict.name,
            f"{verdict.checked:,}",
            f"{verdict.violations:,}",
            verdict.example or "",
            style=style,
        )
    return shown
