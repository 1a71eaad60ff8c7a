"""`bandstand soak`: a load for minutes under faults and kills: what grows, and does all hold."""

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from lab.commands.verify import table
from lab.demo.stage import on_stage
from lab.errors import ViolationError
from lab.load.load import Load
from lab.output import AsJson, err, out, print_json, save_json, say
from lab.soak.play import play
from lab.soak.results import Soak
from lab.soak.tables import memory, minutes
from lab.soak.weather import Weather
from lab.stack.options import StackOptions
from lab.stack.progress import spinner
from lab.stack.run import running_stack

CONCURRENCY = 16


def soak(
    duration: Annotated[
        int, typer.Option("--minutes", min=1, max=240, help="How long; one weather a minute.")
    ] = 10,
    concurrency: Annotated[
        int, typer.Option("--closed", min=1, max=1000, help="Orders open at any time.")
    ] = CONCURRENCY,
    seed: Annotated[int, typer.Option(help="The same seed brings the same weather.")] = 1,
    folder: Annotated[Path, typer.Option(help="Where soak.json goes.")] = Path("out"),
    as_json: AsJson = False,
) -> None:
    """Load both modes for minutes, with faults and kills; watch memory and latency; verify."""
    with ExitStack() as exits:
        with spinner(err) as progress:
            running = exits.enter_context(running_stack(StackOptions(), progress))
        with on_stage(running.stack) as stage:
            found = play(stage, duration, concurrency, seed, _tell)
    _report(found, folder, as_json)


def _tell(minute: int, weather: Weather, load: Load) -> None:
    faults = ", ".join(weather.rules) or "no faults"
    placed = len(load.ledger.placed)
    say(f"  minute {minute}: {placed:,} orders; {faults}; {weather.victim} was killed")


def _report(found: Soak, folder: Path, as_json: bool) -> None:
    page = save_json(found, folder / "soak.json")
    if as_json:
        print_json(found)
    else:
        for each in (minutes(found), memory(found.memory), table(found.invariants)):
            out.print(each)
            out.print()
        out.print(f"{found.orders:,} orders in {len(found.minutes)} min; {page}")
    if failures := found.failures:
        raise ViolationError("; ".join(failures))
