"""Which trace is meant, and whether it is whole."""

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from uuid import UUID

from lab.errors import BandstandError
from lab.traces.backend import Backend
from lab.traces.span import Kind, Span
from lab.traces.tree import NoTreeError, Tree, grow

MODES = ("orchestration", "choreography")
PATIENCE_SECONDS = 5.0
PAUSE_SECONDS = 0.25


class NoTraceError(BandstandError):
    """Not sampled, or gone."""


class TraceIdError(BandstandError):
    """Neither an order's id nor a trace's."""


def find(backend: Backend, word: str) -> Tree:
    """By an order's id, which is a UUID, or a trace's, 32 hexadecimal digits without a dash.
    Services hand over their spans once a second, so a young trace is waited for."""
    spans = _awaited(_asking(backend, word))
    if not spans:
        raise NoTraceError(
            f"no spans of {word}: one order in ten is traced, unless the stack was started "
            "with OTEL_TRACES_SAMPLER=always_on"
        )
    return grow(spans)


def last(backend: Backend, count: int) -> list[Tree]:
    """As many of each mode, newest first, waited for like one."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        found = [spans for mode in MODES for spans in backend.last(mode, count)]
        found = [_gathered(backend, spans) for spans in found]
        if all(map(_is_whole, found)) or time.monotonic() > deadline:
            return list(_grown(found))
        time.sleep(PAUSE_SECONDS)


def _asking(backend: Backend, word: str) -> Callable[[], list[Span]]:
    if len(word) == 32 and all(digit in "0123456789abcdef" for digit in word):
        return lambda: _gathered(backend, backend.trace(word))
    try:
        order = str(UUID(word))
    except ValueError as error:
        raise TraceIdError(f"{word!r} is neither an order's id nor a trace's") from error
    return lambda: backend.saga(order)


def _gathered(backend: Backend, spans: list[Span]) -> list[Span]:
    """Services that link and have no parents make a trace of each message: their saga is what
    has its id. Such a trace has not both the saga's root and messages that were handled."""
    kinds = {span.kind for span in spans}
    if not spans or {Kind.SAGA, Kind.PROCESS} <= kinds:
        return spans
    saga = next((span.tags["saga.id"] for span in spans if "saga.id" in span.tags), None)
    return backend.saga(saga) if saga else spans


def _awaited(ask: Callable[[], list[Span]]) -> list[Span]:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not _is_whole(spans := ask()) and time.monotonic() < deadline:
        time.sleep(PAUSE_SECONDS)
    return spans


def _grown(found: list[list[Span]]) -> Iterator[Tree]:
    """A trace without its root, which was evicted, is left out."""
    for spans in found:
        with suppress(NoTreeError):
            yield grow(spans)


def _is_whole(spans: list[Span]) -> bool:
    try:
        return not grow(spans).orphans
    except NoTreeError:
        return False
