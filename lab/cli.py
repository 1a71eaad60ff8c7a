"""`bandstand`: its commands, and how every one of them ends.

A command is a function in `lab.commands`; it returns nothing when all went well, raises a
`BandstandError` otherwise, and reports on stdout (`lab.output`). `main` alone decides exit codes.
"""

import signal
from types import FrameType

import typer

from lab.commands import dead_letters, faults, trace
from lab.commands.chaos import chaos
from lab.commands.demo import demo
from lab.commands.load import load
from lab.commands.logs import logs
from lab.commands.report import report
from lab.commands.saga import saga
from lab.commands.soak import soak
from lab.commands.status import status
from lab.commands.switch import switch
from lab.commands.up import down, up
from lab.commands.verify import verify
from lab.errors import BandstandError
from lab.output import say

app = typer.Typer(
    name="bandstand",
    help="One order process, coordinated by an orchestra and by a jazz band.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback(invoke_without_command=True)
def bandstand(context: typer.Context) -> None:
    """Without a command, the help is the answer."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


for command in (demo, up, down, status, logs, load, switch, saga, verify, chaos, soak, report):
    app.command()(command)
app.add_typer(faults.app, name="faults")
app.add_typer(dead_letters.app, name="dead-letters")
app.add_typer(trace.app, name="trace")


def main(arguments: list[str] | None = None) -> int:
    """The entry point. SIGTERM ends a command exactly like Ctrl-C: clean up, then 130."""
    end_on_sigterm()
    try:
        code = app(arguments, prog_name="bandstand", standalone_mode=False)
    except BandstandError as error:
        say(f"bandstand: {error}")
        return error.exit_code
    except typer.TyperException as misuse:
        say(f"bandstand: {misuse.format_message()}")
        return misuse.exit_code
    return code if isinstance(code, int) else 0


def end_on_sigterm() -> None:
    signal.signal(signal.SIGTERM, _interrupt)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
