"""Traces kept in a file, for when what has taken them is gone: as a demo leaves them."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from lab.errors import MissingError
from lab.output import save_json
from lab.traces.measure import ModeSummary, measure, summarize
from lab.traces.span import Span, is_of
from lab.traces.tree import Tree

FILE = Path("out/traces.json")


class Document(msgspec.Struct, frozen=True):
    """`modes` are what the `traces` come to."""

    made_at: datetime
    modes: dict[str, ModeSummary]
    traces: list[list[Span]]


class Kept:
    """Read only, and everything at once."""

    patience_seconds = 0.0
    told = "the demo kept the newest confirmed orders of those that were traced"

    def __init__(self, document: Document) -> None:
        self.made_at = document.made_at
        self._traces = document.traces

    def trace(self, trace_id: str) -> list[Span]:
        """The whole saga that it belongs to."""
        return self._whose(lambda span: span.trace == trace_id)

    def saga(self, saga_id: str) -> list[Span]:
        return self._whose(lambda span: span.tags.get("saga.id") == saga_id)

    def last(self, mode: str, count: int, outcome: str | None = None) -> list[list[Span]]:
        return [spans for spans in self._traces if is_of(spans, mode, outcome)][:count]

    def page(self, trace_id: str) -> str | None:
        return None

    def _whose(self, wanted: Callable[[Span], bool]) -> list[Span]:
        return next((spans for spans in self._traces if any(map(wanted, spans))), [])


def save(trees: Sequence[Tree], path: Path) -> dict[str, ModeSummary]:
    """Newest first; without what only the broker's people want to know of a span."""
    modes = summarize([measure(tree) for tree in trees])
    traces = [[_slim(span) for _, span in tree.all()] for tree in trees]
    save_json(Document(datetime.now(UTC), modes, traces), path)
    return modes


def _slim(span: Span) -> Span:
    tags = {name: value for name, value in span.tags.items() if not name.startswith("messaging.")}
    return msgspec.structs.replace(span, tags=tags)


def read(path: Path) -> Kept:
    try:
        return Kept(msgspec.json.decode(path.read_bytes(), type=Document))
    except FileNotFoundError:
        raise MissingError(f"there is no {path}") from None
    except OSError as error:
        raise MissingError(f"{path} cannot be read: {error.strerror}") from error
    except msgspec.MsgspecError as error:
        raise MissingError(f"{path} are no traces of this version: {error}") from error
