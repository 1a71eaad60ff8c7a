"""`bandstand logs`."""

import time
from typing import Annotated

import typer

from lab.errors import BandstandError
from lab.output import out
from lab.stack.home import default_home
from lab.stack.logfiles import Follower, last_lines, log_file, log_names

EVERY = 0.2


def logs(
    service: Annotated[
        str | None,
        typer.Argument(help="A service, one of its processes, kafka, postgres or supervisord."),
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Until Ctrl-C.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="Of each process.")] = 20,
) -> None:
    """Show what the processes wrote, also after they have ended."""
    home = default_home()
    names = select(log_names(home), service)
    followers = {name: Follower(log_file(home, name)) for name in names} if follow else {}
    for name in names:
        _print(name, last_lines(home, name, lines))
    while followers:
        for name, follower in followers.items():
            _print(name, list(follower.new_lines()))
        time.sleep(EVERY)


def select(available: list[str], service: str | None) -> list[str]:
    """`inventory` means all its processes, `inventory-1` one of them."""
    chosen = [name for name in available if service in (None, name, name.rpartition("-")[0])]
    if service and not chosen:
        known = ", ".join(available) or "there are none yet"
        raise BandstandError(f"no logs of {service!r}; logs there are: {known}")
    return chosen


def _print(name: str, lines: list[str]) -> None:
    for line in lines:
        out.print(f"{name:<16} | {line}", markup=False)
