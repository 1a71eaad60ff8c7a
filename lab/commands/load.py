"""`bandstand load`: place orders, wait for their ends, say what became of them."""

from typing import Annotated

import typer

from lab.commands.where import target_of
from lab.errors import ViolationError
from lab.load.door import Door
from lab.load.load import Load
from lab.load.mix import mix
from lab.load.progress import Bars
from lab.load.summary import Summary, summarize
from lab.load.tables import show
from lab.output import AsJson, print_json, say

DEFAULT_RATE = 20.0
MOST_ORDERS = 200_000


def load(
    context: typer.Context,
    orders: Annotated[int, typer.Option(min=1, max=MOST_ORDERS, help="How many orders.")] = 200,
    rate: Annotated[
        float | None,
        typer.Option(min=0.1, max=5000, help="Open loop: orders a second, whatever happens."),
    ] = None,
    closed: Annotated[
        int | None,
        typer.Option(min=1, max=1000, help="Closed loop: orders open at any time."),
    ] = None,
    doomed: Annotated[
        float,
        typer.Option(
            min=0,
            max=100,
            help="Percent of orders that must fail: a third each at inventory, payment, shipping.",
        ),
    ] = 10.0,
    cancel: Annotated[
        float, typer.Option(min=0, max=100, help="Percent of orders cancelled right after placing.")
    ] = 0.0,
    seed: Annotated[int, typer.Option(help="The same seed gives the same orders.")] = 1,
    patience: Annotated[
        float,
        typer.Option(min=1, max=3600, help="Seconds without any end after which to give up."),
    ] = 60.0,
    as_json: AsJson = False,
) -> None:
    """Place orders and wait until each of them has ended."""
    if rate is not None and closed is not None:
        raise typer.BadParameter("either --rate (open loop) or --closed, not both")
    target = target_of(context)
    database = target.database()
    planned = mix(orders, seed, doomed, cancel)
    load = Load(planned, Door(target.url("order")), database)
    try:
        with Bars(orders) as bars:
            if closed is not None:
                load.closed(closed, bars, patience)
            else:
                load.open(rate or DEFAULT_RATE, seed, bars, patience)
    except KeyboardInterrupt:
        say("stopped; this is what was done so far")
        _report(summarize(load.ledger, database), as_json)
        raise
    summary = summarize(load.ledger, database)
    _report(summary, as_json)
    _judge(summary)


def _judge(summary: Summary) -> None:
    if not summary.sound:
        raise ViolationError(
            f"{summary.lost} lost, {summary.unended} not ended, {summary.duplicated} duplicated"
        )


def _report(summary: Summary, as_json: bool) -> None:
    if as_json:
        print_json(summary)
    else:
        show(summary)
