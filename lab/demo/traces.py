"""What the demo keeps of its traces: they are gone with the stack, and the page is not."""

from collections.abc import Collection
from pathlib import Path

import msgspec

from lab.errors import BandstandError
from lab.stack.state import Stack
from lab.traces import find, kept
from lab.traces.backend import Backend, reading
from lab.traces.measure import ModeSummary
from lab.traces.page import write
from lab.traces.tree import Tree

MOST_READ = 1000
KEPT = 50
PAGE = "traces.html"


class NoTracesError(BandstandError):
    """There is nothing to compare."""


class Traces(msgspec.Struct, frozen=True):
    """`newest` are the pages of the newest order in each mode, while the backend still runs."""

    trees: list[Tree]
    newest: dict[str, str]


def gather(stack: Stack, orders: Collection[str]) -> Traces:
    """The newest traced ones of these orders that were confirmed, in each mode."""
    if stack.traces is None:
        raise NoTracesError("Zipkin does not run here")
    with reading(stack.traces) as backend:
        return _gather(backend, frozenset(orders))


def keep(traces: Traces, folder: Path) -> tuple[dict[str, ModeSummary], Path]:
    """What they come to, and the page that draws them; the file next to it is for `trace`."""
    modes = kept.save(traces.trees, folder / kept.FILE.name)
    return modes, write(traces.trees, folder / PAGE, lambda _: None)


def _gather(backend: Backend, orders: frozenset[str]) -> Traces:
    found = find.last(backend, MOST_READ, "confirmed")
    ours = [tree for tree in found if tree.root.tags.get("saga.id") in orders]
    by_mode = {mode: [tree for tree in ours if tree.root.mode == mode] for mode in find.MODES}
    if missing := [mode for mode in find.MODES if not by_mode[mode]]:
        modes = " and ".join(missing)
        raise NoTracesError(f"of {len(orders)} orders none in {modes} has one; {backend.told}")
    pages = {mode: backend.page(trees[0].root.trace) for mode, trees in by_mode.items()}
    return Traces(
        trees=[tree for trees in by_mode.values() for tree in trees[:KEPT]],
        newest={mode: page for mode, page in pages.items() if page},
    )
