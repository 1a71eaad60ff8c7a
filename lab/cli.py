"""`bandstand`: its commands, and how every one of them ends.

A command is a function in `lab.commands`; it returns nothing when all went well, raises a
`BandstandError` otherwise, and reports on stdout (`lab.output`). `main` alone decides exit codes.
"""

import signal
from types import FrameType
from typing import Annotated

import typer

from lab.commands import dead_letters, faults, policy, trace
from lab.commands.chaos import chaos
from lab.commands.demo import demo
from lab.commands.load import load
from lab.commands.logs import logs
from lab.commands.monitor import monitor
from lab.commands.report import report
from lab.commands.saga import saga
from lab.commands.soak import soak
from lab.commands.status import status
from lab.commands.switch import switch
from lab.commands.up import down, up
from lab.commands.verify import verify
from lab.commands.where import Where
from lab.errors import BandstandError
from lab.output import say

app = typer.Typer(
    name="bandstand",
    help="One order process, coordinated by an orchestra and by a jazz band.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


NOT_ON_A_CLUSTER = {
    "up": "install the chart with `helm install`",
    "down": "remove the release with `helm uninstall`",
    "logs": "use `kubectl logs`",
    "demo": "it measures a stack of its own",
    "monitor": "it stalls the services of a stack on this machine",
    "chaos": "it kills the processes of a stack on this machine",
    "soak": "it kills the processes of a stack on this machine",
}


@app.callback(invoke_without_command=True)
def bandstand(
    context: typer.Context,
    kube: Annotated[
        bool, typer.Option("--kube", help="On the cluster that kubectl talks to, not here.")
    ] = False,
    namespace: Annotated[str | None, typer.Option(help="Of the release. [bandstand]")] = None,
    release: Annotated[str | None, typer.Option(help="Its name. [bandstand]")] = None,
) -> None:
    """Without a command, the help is the answer."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        return
    if not kube and (namespace or release):
        raise typer.BadParameter("--namespace and --release need --kube")
    if kube and (instead := NOT_ON_A_CLUSTER.get(context.invoked_subcommand)):
        raise typer.BadParameter(f"`{context.invoked_subcommand}` is not for --kube: {instead}")
    given = {"namespace": namespace, "release": release}
    context.obj = Where(kube, **{name: value for name, value in given.items() if value})


COMMANDS = (
    demo,
    up,
    down,
    status,
    logs,
    load,
    switch,
    saga,
    verify,
    chaos,
    soak,
    monitor,
    report,
)
for command in COMMANDS:
    app.command()(command)
app.add_typer(faults.app, name="faults")
app.add_typer(policy.app, name="policy")
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
