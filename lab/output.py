"""Where a command's words go: results to stdout, everything said on the way to stderr.

So `bandstand anything --json | jq` always works: with `--json` stdout holds exactly one
JSON document and nothing else.
"""

import sys
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def print_json(value: Any) -> None:
    """`value` is whatever msgspec can encode: structs, dataclasses, dicts, datetimes."""
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n")


def save_json(value: Any, page: Path) -> Path:
    """For people too: indented, and in a folder that is made for it."""
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_bytes(msgspec.json.format(msgspec.json.encode(value), indent=2))
    return page


def bars(description: str = "{task.description}") -> Progress:
    """Bars of countable work on stderr; without a terminal nothing is drawn."""
    return Progress(
        TextColumn(f"  {description}", style="dim"),
        BarColumn(bar_width=40),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=err,
        transient=True,
        disable=not err.is_terminal,
    )


def say(message: str) -> None:
    """A line of progress; never part of the result."""
    err.print(message, markup=False)
