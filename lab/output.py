"""Where a command's words go: results to stdout, everything said on the way to stderr.

So `bandstand anything --json | jq` always works: with `--json` stdout holds exactly one
JSON document and nothing else.
"""

import sys
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def print_json(value: Any) -> None:
    """`value` is whatever msgspec can encode: structs, dataclasses, dicts, datetimes."""
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n")


def say(message: str) -> None:
    """A line of progress; never part of the result."""
    err.print(message, markup=False)
