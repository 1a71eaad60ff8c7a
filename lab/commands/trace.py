"""`bandstand trace`: where a saga's time went, and how the modes differ in it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from lab.api import Api
from lab.commands.where import target_of
from lab.errors import BandstandError
from lab.output import AsJson, out, print_json
from lab.target import Target
from lab.traces import find
from lab.traces.measure import Measured, measure, summarize
from lab.traces.show import paths, side_by_side, waterfall
from lab.traces.tree import Tree
from lab.traces.zipkin import Zipkin
from lab.where.inquiry import Services

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


class NothingToCompareError(BandstandError):
    """It takes a trace of each mode."""


@app.command("show")
def show(
    context: typer.Context,
    trace: Annotated[str, typer.Argument(metavar="ID", help="Of an order or a trace.")],
    as_json: AsJson = False,
) -> None:
    """One saga's spans as a tree, with times."""
    target = target_of(context)
    with _zipkin(target) as zipkin:
        trace_id, tree = _find(target, zipkin, trace)
    measured = measure(tree)
    if as_json:
        print_json({"trace": measured, "spans": [span for _, span in tree.all()]})
        return
    _draw(tree)
    out.print(_in_words(measured))
    out.print(f"{target.traces()}/zipkin/traces/{trace_id}", style="dim")


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
    as_json: AsJson = False,
) -> None:
    """Both modes side by side: critical path, hops, fan-out, and where the time goes."""
    if (last is None) == (not traces) or (traces and len(traces) != 2):
        raise typer.BadParameter("name two traces, A and B, or --last N")
    target = target_of(context)
    with _zipkin(target) as zipkin:
        trees = find.last(zipkin, last) if last else _two(target, zipkin, traces or [])
    modes = summarize([measure(tree) for tree in trees])
    if set(modes) != set(find.MODES):
        raise NothingToCompareError(
            f"a trace of each mode is needed; here are {', '.join(modes) or 'none'}"
        )
    if as_json:
        print_json({"modes": modes})
        return
    for tree in trees if traces else ():
        out.print(tree.root.mode, style="bold")
        _draw(tree)
        out.print()
    out.print(side_by_side(modes))
    out.print()
    out.print(paths(modes))


def _draw(tree: Tree) -> None:
    """In a pipe there is no width, and a line may be as long as it is."""
    out.print(waterfall(tree), width=out.width if out.is_terminal else WIDTH_OF_A_PIPE)


def _two(target: Target, zipkin: Zipkin, traces: list[str]) -> list[Tree]:
    return [_find(target, zipkin, trace)[1] for trace in traces]


def _find(target: Target, zipkin: Zipkin, word: str) -> tuple[str, Tree]:
    """With the trace's own id."""
    with Services(target.urls()) as services:
        trace_id = find.trace_id(word, services)
    return trace_id, find.find(zipkin, trace_id)


@contextmanager
def _zipkin(target: Target) -> Iterator[Zipkin]:
    with Zipkin(Api(target.traces())) as zipkin:
        yield zipkin


def _in_words(found: Measured) -> str:
    times = found.time_ms
    return (
        f"{found.total_ms:.1f} ms over {found.hops} hops: {times.work:.1f} at work, "
        f"{times.queue:.1f} waiting for a reader, {times.broker:.1f} on the way to the broker; "
        f"{found.spans} spans of {len(found.services)} services, {found.orphans} orphans"
    )
