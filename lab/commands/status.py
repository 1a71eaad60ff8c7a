"""`bandstand status`."""

import typer
from rich.table import Table

from lab.commands.pods import show_pods
from lab.commands.where import where
from lab.errors import NoStackError
from lab.output import AsJson, out, print_json
from lab.stack.home import default_home
from lab.stack.report import ProcessReport, StackReport, report
from lab.stack.state import load_stack

MEBIBYTE = 1024 * 1024


def status(context: typer.Context, as_json: AsJson = False) -> None:
    """Show each process of the running stack, or each pod of the release, and its restarts."""
    if (place := where(context)).kube:
        show_pods(place, as_json)
        return
    home = default_home()
    stack = load_stack(home)
    try:
        state = report(home, stack)
    except OSError as gone:  # it ended between the two looks
        raise NoStackError from gone
    show(state, as_json)


def show(state: StackReport, as_json: bool) -> None:
    if as_json:
        print_json(state)
        return
    out.print(_table(state))
    out.print(f"Kafka {state.kafka.bootstrap} ({state.kafka.provider})")
    out.print(f"PostgreSQL {state.postgres.url} ({state.postgres.provider})")
    if state.traces:
        out.print(f"traces {state.traces} (Zipkin)")
    out.print(f"state folder {state.home}, memory {_mib(state.rss_bytes)} in all")


def _table(state: StackReport) -> Table:
    table = Table(box=None, pad_edge=False)
    for title in ("process", "state"):
        table.add_column(title)
    for title in ("pid", "port", "restarts", "memory", "up"):
        table.add_column(title, justify="right")
    for process in state.processes:
        table.add_row(*_cells(process))
    return table


def _cells(process: ProcessReport) -> list[str]:
    return [
        process.name,
        process.state,
        str(process.pid or "-"),
        str(process.port),
        str(process.restarts),
        _mib(process.rss_bytes),
        f"{process.uptime_seconds:.0f} s",
    ]


def _mib(size: int) -> str:
    return f"{size / MEBIBYTE:.0f} MiB"
