"""`bandstand saga`: one order explained, in either mode."""

from typing import Annotated
from uuid import UUID

import typer
from rich.table import Table

from lab.commands.where import target_of
from lab.output import AsJson, out, print_json
from lab.where.inquiry import Inquiry, Services, whole_picture
from lab.where.score import score
from lab.where.timeline import Line, story


def saga(
    context: typer.Context,
    order_id: Annotated[UUID, typer.Argument(metavar="ID", help="The order's id.")],
    as_json: AsJson = False,
) -> None:
    """What happened to an order, who decided it, where it stands and what it waits for."""
    with Services(target_of(context).urls()) as services:
        found = whole_picture(services, str(order_id))
    lines = story(found, score())
    if as_json:
        print_json({"inquiry": found, "story": lines})
    else:
        _show(found, lines)


def _show(found: Inquiry, lines: list[Line]) -> None:
    order, standing = found.order, found.standing
    out.print(f"[bold]{order.id}[/bold]  {order.mode}, epoch {order.epoch}")
    out.print(_table(lines))
    if standing.waits_for:
        out.print(f"{standing.stands}; waits for {' and '.join(standing.waits_for)}")
    else:
        out.print(standing.stands)
    places = "1 place" if found.places == 1 else f"{found.places} places"
    out.print(f"known from {standing.known_from}: {places} asked, {found.ms:.1f} ms", style="dim")


def _table(lines: list[Line]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("ms", justify="right")
    for column in ("who", "what", "why"):
        table.add_column(column)
    for line in lines:
        style = "cyan" if line.who == "orchestrator" else ""
        table.add_row(f"{line.ms:,.1f}", line.who, line.what, line.why, style=style)
    return table
