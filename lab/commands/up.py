"""`bandstand up` and `bandstand down`."""

from datetime import timedelta
from typing import Annotated

import typer

from lab.commands.status import show
from lab.output import AsJson, err, out, print_json
from lab.stack.home import default_home
from lab.stack.options import SERVICES, TRACKER, StackOptions
from lab.stack.progress import spinner
from lab.stack.report import report
from lab.stack.run import running_stack, stop


def up(
    kafka: Annotated[
        str | None,
        typer.Option(help="HOST:PORT of a running Kafka, or where to get one: maven, docker."),
    ] = None,
    postgres: Annotated[
        str | None,
        typer.Option(
            help="URL of a running PostgreSQL, or where to get one: wheel, system, docker."
        ),
    ] = None,
    replicas: Annotated[
        list[str] | None,
        typer.Option(metavar="SERVICE=N", help="More than one process of a service; repeatable."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the simulated card network and carrier.")] = 1,
    traces: Annotated[
        bool, typer.Option(help="Zipkin, a page for traces, where there is Java to run it.")
    ] = True,
    tracker: Annotated[
        bool, typer.Option("--tracker", help="Also saga-tracker, which watches the jazz band.")
    ] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Start from empty data.")] = False,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds until all must be ready.")] = 120,
    as_json: AsJson = False,
) -> None:
    """Start Kafka, PostgreSQL and the services on this machine, or find them running."""
    options = StackOptions(
        kafka=kafka,
        postgres=postgres,
        replicas=parse_replicas(replicas or []),
        seed=seed,
        fresh=fresh,
        traces=traces,
        services=(*SERVICES, TRACKER) if tracker else SERVICES,
        timeout=timedelta(seconds=timeout),
    )
    home = default_home()
    with spinner(err) as progress, running_stack(options, progress, home) as running:
        state = report(home, running.stack)
        running.keep()
    show(state, as_json)


def down(
    wipe: Annotated[bool, typer.Option("--wipe", help="Remove the data and logs too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Stop everything that `up` started, and what a killed one left."""
    with spinner(err) as progress:
        progress.waiting("stopping")
        ended = stop(default_home(), wipe=wipe, progress=progress)
    if as_json:
        print_json({"ended": ended, "wiped": wipe})
    else:
        out.print(f"stopped {ended} processes" if ended else "nothing was running")


def parse_replicas(words: list[str]) -> dict[str, int]:
    return dict(_parse_replica(word) for word in words)


def _parse_replica(word: str) -> tuple[str, int]:
    name, _, count = word.partition("=")
    if name not in SERVICES or not count.isdecimal() or not 1 <= int(count) <= 9:
        raise typer.BadParameter(
            f"{word!r} is not SERVICE=N with a service of {', '.join(SERVICES)} and N of 1 to 9"
        )
    return name, int(count)
