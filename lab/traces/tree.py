"""Spans as the tree that their parents make of them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from lab.errors import BandstandError
from lab.traces.span import Kind, Span
from services.messages import OrderPlaced

BEGINNING = OrderPlaced.__name__


class NoTreeError(BandstandError):
    """The spans are not those of one finished saga."""


@dataclass(frozen=True)
class Tree:
    """`children` are by their parent's id, in the order in which they began. An orphan names a
    parent that is not there; what hangs below it is no orphan."""

    root: Span
    children: Mapping[str, list[Span]]
    orphans: list[Span]

    @property
    def has_its_beginning(self) -> bool:
        """Who keeps some traces only has to decide of one that goes on for minutes before it knows
        how it ends; what comes after that hangs below the root as if it were all."""
        return any(span.kind is Kind.SEND and span.step == BEGINNING for _, span in self.all())

    def walk(self, start: Span | None = None) -> Iterator[tuple[int, Span]]:
        """Each span below `start` (the root) and how deep it is, parents first."""
        waiting = [(0, start or self.root)]
        while waiting:
            depth, span = waiting.pop()
            yield depth, span
            below = self.children.get(span.id, [])
            waiting.extend((depth + 1, child) for child in reversed(below))

    def all(self) -> Iterator[tuple[int, Span]]:
        """The whole tree, then what belongs nowhere."""
        yield from self.walk()
        for orphan in self.orphans:
            yield from self.walk(orphan)


def grow(spans: Iterable[Span]) -> Tree:
    """A span that was told twice, as after a crash, is one: the first that was heard."""
    by_id: dict[str, Span] = {}
    for span in spans:
        by_id.setdefault(span.id, span)
    root = _root(by_id.values())
    children: dict[str, list[Span]] = {}
    orphans = []
    for span in sorted(by_id.values(), key=lambda span: (span.start_us, span.id)):
        if span.id == root.id:
            continue
        if span.parent in by_id:
            children.setdefault(span.parent, []).append(span)
        else:
            orphans.append(span)
    return Tree(root, children, orphans)


def _root(spans: Iterable[Span]) -> Span:
    roots = [span for span in spans if span.kind is Kind.SAGA]
    if len(roots) != 1:
        raise NoTreeError(f"the trace has {len(roots)} sagas, not one; is it still under way?")
    return roots[0]
