"""`bandstand monitor`: what it takes to know where sagas stand, measured on the running stack."""

from typing import Annotated

import typer

from lab.demo.stage import on_stage
from lab.monitor.experiment import monitor as measure
from lab.output import AsJson, out, print_json, say
from lab.report.tables import watched_side_by_side
from lab.stack.state import load_stack


def monitor(
    seed: Annotated[int, typer.Option(help="The same seed places the same orders.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Stall some orders: who notices, how soon, and who can tell why?"""
    with on_stage(load_stack()) as stage, stage.given_back():
        found = measure(stage, seed, lambda message: say(f"  {message}"))
    if as_json:
        print_json(found)
    else:
        out.print(watched_side_by_side(found))
