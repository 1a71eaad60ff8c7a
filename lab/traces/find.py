"""Which trace is meant, and whether it is whole."""

import time
from collections.abc import Iterator
from contextlib import suppress
from uuid import UUID

from lab.errors import BandstandError
from lab.traces.span import Span
from lab.traces.tree import NoTreeError, Tree, grow
from lab.traces.zipkin import Zipkin
from lab.where.inquiry import Services

MODES = ("orchestration", "choreography")
PATIENCE_SECONDS = 5.0
PAUSE_SECONDS = 0.25


class NoTraceError(BandstandError):
    """Not sampled, or gone."""


class TraceIdError(BandstandError):
    """Neither an order's id nor a trace's."""


def trace_id(word: str, services: Services) -> str:
    """An order's id is a UUID, a trace's 32 hexadecimal digits without a dash."""
    if len(word) == 32 and all(digit in "0123456789abcdef" for digit in word):
        return word
    try:
        found = services.order(str(UUID(word))).trace_id
    except ValueError as error:
        raise TraceIdError(f"{word!r} is neither an order's id nor a trace's") from error
    if found is None:
        raise NoTraceError(f"order {word} has no trace")
    return found


def find(zipkin: Zipkin, trace: str) -> Tree:
    """Services hand over their spans once a second, so a young trace is waited for."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not _is_whole(spans := zipkin.trace(trace)) and time.monotonic() < deadline:
        time.sleep(PAUSE_SECONDS)
    if not spans:
        raise NoTraceError(
            f"no spans of trace {trace}: one order in ten is traced, unless the stack was started "
            "with OTEL_TRACES_SAMPLER=always_on"
        )
    return grow(spans)


def last(zipkin: Zipkin, count: int) -> list[Tree]:
    """As many of each mode, waited for like one."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        found = [spans for mode in MODES for spans in zipkin.last(mode, count)]
        if all(map(_is_whole, found)) or time.monotonic() > deadline:
            return list(_grown(found))
        time.sleep(PAUSE_SECONDS)


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
