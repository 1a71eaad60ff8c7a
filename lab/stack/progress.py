"""What a start tells while it goes on."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.markup import escape
from rich.status import Status


class Progress(Protocol):
    def say(self, line: str) -> None:
        """Something that stays on the screen."""

    def waiting(self, what: str) -> None:
        """What it is busy with now; replaced by the next."""


class Silent:
    def say(self, line: str) -> None:
        pass

    def waiting(self, what: str) -> None:
        pass


class Spinner:
    """On a terminal a moving line; elsewhere (a log, a pipe) only what stays."""

    def __init__(self, console: Console, status: Status) -> None:
        self._console = console
        self._status = status

    def say(self, line: str) -> None:
        self._console.print(line, markup=False)

    def waiting(self, what: str) -> None:
        self._status.update(escape(what))


@contextmanager
def spinner(console: Console) -> Iterator[Progress]:
    with console.status("starting") as status:
        yield Spinner(console, status)
