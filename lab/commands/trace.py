"""`bandstand trace`: where a saga's time went, and how the modes differ in it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from lab.commands import where as places
from lab.commands.where import target_of
from lab.errors import BandstandError
from lab.output import AsJson, out, print_json, say
from lab.stack.home import default_home
from lab.stack.state import find_stack
from lab.traces import find, kept
from lab.traces.backend import Backend, reading
from lab.traces.measure import Measured, ModeSummary, measure, summarize
from lab.traces.show import paths, side_by_side, waterfall
from lab.traces.tree import Tree

WIDTH_OF_A_PIPE = 140


class _OneTraceByDefault(TyperGroup):
    """`bandstand trace ID` means `bandstand trace show ID`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and not args[0].startswith("-") and args[0] not in self.commands:
            args = ["show", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_OneTraceByDefault,
    help="Where a saga's time went: one trace (`trace ID`), or both modes side by side.",
    no_args_is_help=True,
)
From = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="URL",
        envvar="BANDSTAND_TRACES",
        help="A Zipkin or a Jaeger, or a file of traces; else the running stack's, or what the "
        "last demo left.",
    ),
]


class Outcome(StrEnum):
    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    ANY = "any"


class NothingToCompareError(BandstandError):
    """It takes a trace of each mode."""


@app.command("show")
def show(
    context: typer.Context,
    trace: Annotated[str, typer.Argument(metavar="ID", help="Of an order or a trace.")],
    where: From = None,
    as_json: AsJson = False,
) -> None:
    """One saga's spans as a tree, with times."""
    with _backend(context, where) as backend:
        tree = find.find(backend, trace)
        page = backend.page(tree.root.trace)
    measured = measure(tree)
    if as_json:
        print_json({"trace": measured, "spans": [span for _, span in tree.all()]})
        return
    _draw(tree)
    out.print(_in_words(measured))
    if page:
        out.print(page, style="dim")


@app.command("compare")
def compare(
    context: typer.Context,
    traces: Annotated[
        list[str] | None,
        typer.Argument(metavar="A B", help="Two orders or traces, one of each mode."),
    ] = None,
    last: Annotated[
        int | None, typer.Option(min=1, max=1000, help="Rather this many of each mode.")
    ] = None,
    html: Annotated[
        Path | None, typer.Option(help="Write a page too: two waterfalls on one time scale.")
    ] = None,
    outcome: Annotated[
        Outcome, typer.Option(help="Of the last ones, those that ended like this.")
    ] = Outcome.CONFIRMED,
    where: From = None,
    as_json: AsJson = False,
) -> None:
    """Both modes side by side: critical path, hops, fan-out, and where the time goes."""
    if (last is None) == (not traces) or (traces and len(traces) != 2):
        raise typer.BadParameter("name two traces, A and B, or --last N")
    with _backend(context, where) as backend:
        wanted = None if outcome is Outcome.ANY else outcome.value
        trees = find.last(backend, last, wanted) if last else _two(backend, traces or [])
        modes = _summaries(trees)
        if html:
            from lab.traces.page import write  # jinja takes its time to import

            try:
                write(trees, html, backend.page)
            except OSError as error:
                raise typer.BadParameter(f"{html} cannot be written: {error.strerror}") from error
    if as_json:
        print_json({"modes": modes})
        return
    for tree in trees if traces else ():
        out.print(tree.root.mode, style="bold")
        _draw(tree)
        out.print()
    tell(modes)
    if html:
        say(f"both waterfalls: {html.resolve().as_uri()}")


def tell(modes: Mapping[str, ModeSummary]) -> None:
    out.print(side_by_side(modes))
    out.print()
    out.print(paths(modes))


def _summaries(trees: list[Tree]) -> dict[str, ModeSummary]:
    modes = summarize([measure(tree) for tree in trees])
    if set(modes) != set(find.MODES):
        raise NothingToCompareError(
            f"a trace of each mode is needed; here are {', '.join(modes) or 'none'}"
        )
    return modes


def _two(backend: Backend, words: list[str]) -> list[Tree]:
    return [find.find(backend, word) for word in words]


def _draw(tree: Tree) -> None:
    """In a pipe there is no width, and a line may be as long as it is."""
    out.print(waterfall(tree), width=out.width if out.is_terminal else WIDTH_OF_A_PIPE)
    if not tree.has_its_beginning:
        say("its beginning was not kept: it was open for longer than the Collector waits")


@contextmanager
def _backend(context: typer.Context, where: str | None) -> Iterator[Backend]:
    with reading(where or _known(context)) as backend:
        yield backend


def _known(context: typer.Context) -> str:
    gone = not places.where(context).kube and find_stack(default_home()) is None
    if gone and kept.FILE.is_file():
        say(f"no stack is running: these are the traces that the last demo left in {kept.FILE}")
        return str(kept.FILE)
    return target_of(context).traces()


def _in_words(found: Measured) -> str:
    times = found.time_ms
    return (
        f"{found.total_ms:.1f} ms over {found.hops} hops: {times.work:.1f} at work, "
        f"{times.database:.1f} waiting for the database, {times.broker:.1f} on the way to the "
        f"broker, {times.queue:.1f} waiting for a reader; "
        f"{found.spans} spans of {len(found.services)} services, {found.orphans} orphans"
    )
