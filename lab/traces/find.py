"""Which trace is meant, and whether it is whole."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from uuid import UUID

from lab.errors import BandstandError
from lab.traces.backend import Backend
from lab.traces.span import Kind, Span, is_of
from lab.traces.tree import NoTreeError, Tree, grow

MODES = ("orchestration", "choreography")
PAUSE_SECONDS = 0.25


class NoTraceError(BandstandError):
    """Not sampled, or gone."""


class TraceIdError(BandstandError):
    """Neither an order's id nor a trace's, or that of a caller who placed several orders in it."""


def find(backend: Backend, word: str) -> Tree:
    """By an order's id, which is a UUID, or a trace's, 32 hexadecimal digits without a dash.
    Services hand over their spans once a second, so a young trace is waited for."""
    spans = _awaited(_asking(backend, word), backend.patience_seconds)
    if not spans:
        raise NoTraceError(f"no spans of {word}: {backend.told}")
    return grow(spans)


def last(backend: Backend, count: int, outcome: str | None = None) -> list[Tree]:
    """As many of each mode, newest first, waited for like one; all that ended like this, if it is
    said how."""
    deadline = time.monotonic() + backend.patience_seconds
    while True:
        found = [spans for mode in MODES for spans in _latest(backend, mode, count, outcome)]
        if all(map(_is_whole, found)) or time.monotonic() > deadline:
            return list(_grown(found))
        time.sleep(PAUSE_SECONDS)


def _asking(backend: Backend, word: str) -> Callable[[], list[Span]]:
    if len(word) == 32 and all(digit in "0123456789abcdef" for digit in word):
        return lambda: _gathered(backend, _only(word, _sagas(backend.trace(word))))
    try:
        order = str(UUID(word))
    except ValueError as error:
        raise TraceIdError(f"{word!r} is neither an order's id nor a trace's") from error
    return lambda: _sagas(backend.saga(order)).get(order, [])


def _latest(backend: Backend, mode: str, count: int, outcome: str | None) -> list[list[Span]]:
    traces = backend.last(mode, count, outcome)
    sagas = (own for spans in traces for own in _sagas(spans).values())
    return [_gathered(backend, own) for own in sagas if is_of(own, mode, outcome)][:count]


def _sagas(spans: Iterable[Span]) -> dict[str, list[Span]]:
    """Each saga's own spans: who places an order may trace what else it does, and place more
    orders, in the same trace."""
    found: dict[str, list[Span]] = {}
    for span in spans:
        if "saga.id" in span.tags:
            found.setdefault(span.tags["saga.id"], []).append(span)
    return found


def _only(trace: str, sagas: Mapping[str, list[Span]]) -> list[Span]:
    if len(sagas) > 1:
        raise TraceIdError(f"trace {trace} has {len(sagas)} orders: {', '.join(sagas)}; name one")
    return next(iter(sagas.values()), [])


def _gathered(backend: Backend, spans: list[Span]) -> list[Span]:
    """Services that link and have no parents make a trace of each message: their saga is what
    has its id. Such a trace has not both the saga's root and messages that were handled."""
    kinds = {span.kind for span in spans}
    if not spans or {Kind.SAGA, Kind.PROCESS} <= kinds:
        return spans
    saga = spans[0].tags["saga.id"]
    return _sagas(backend.saga(saga)).get(saga, [])


def _awaited(ask: Callable[[], list[Span]], patience_seconds: float) -> list[Span]:
    deadline = time.monotonic() + patience_seconds
    while not _is_whole(spans := ask()) and time.monotonic() < deadline:
        time.sleep(PAUSE_SECONDS)
    return spans


def _grown(found: list[list[Span]]) -> Iterator[Tree]:
    """A trace without its root, which was evicted, is left out, and so is one without its
    beginning, which would look as if it were short."""
    for spans in found:
        with suppress(NoTreeError):
            tree = grow(spans)
            if tree.has_its_beginning:
                yield tree


def _is_whole(spans: list[Span]) -> bool:
    try:
        return not grow(spans).orphans
    except NoTreeError:
        return False
