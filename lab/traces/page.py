"""`out/traces.html`: both modes' waterfalls on one time scale, with nothing to load."""

from collections.abc import Callable, Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from lab import report
from lab.traces.find import MODES
from lab.traces.measure import ModeSummary, measure, summarize
from lab.traces.tree import Tree
from lab.traces.waterfall import waterfall

PARTS = {
    "work": "at work",
    "database": "waiting for the database",
    "broker": "on the way to the broker",
    "queue": "waiting for a reader",
}
TICKS = 4


def write(trees: Sequence[Tree], path: Path, page_of: Callable[[str], str | None]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(render(trees, page_of), encoding="utf-8")
    return path


def render(trees: Sequence[Tree], page_of: Callable[[str], str | None] = lambda _: None) -> str:
    """Of many traces the page draws the most typical one of each mode."""
    modes = summarize([measure(tree) for tree in trees])
    drawn = [typical(trees, mode, modes[mode]) for mode in MODES if mode in modes]
    falls = [waterfall(tree, page_of(tree.root.trace)) for tree in drawn]
    here = Path(__file__).parent
    environment = Environment(
        loader=FileSystemLoader(here),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    css = (Path(report.__file__).with_name("page.css"), here / "page.css")
    return environment.get_template("page.html.j2").render(
        modes=modes,
        falls=falls,
        parts=PARTS,
        ticks=_ticks(max(fall.end_ms for fall in falls)),
        widest=max(each.total_ms for each in modes.values()),
        style=Markup("\n".join(path.read_text() for path in css)),  # noqa: S704 - our own
    )


def typical(trees: Sequence[Tree], mode: str, summary: ModeSummary) -> Tree:
    """It took the most frequent path, and about as long as half of them."""

    def distance(tree: Tree) -> tuple[bool, float]:
        found = measure(tree)
        elsewhere = found.critical_path != summary.critical_path
        return elsewhere, abs(found.total_ms - summary.total_ms)

    return min((tree for tree in trees if tree.root.mode == mode), key=distance)


def _ticks(end_ms: float) -> list[float]:
    """Round milliseconds; the last one ends the scale."""
    step = next(
        digit * 10.0**power
        for power in range(-1, 7)
        for digit in (1, 2, 5)
        if digit * 10.0**power * TICKS >= end_ms
    )
    count = int(-(-end_ms // step))
    return [step * number for number in range(max(count, 1) + 1)]
