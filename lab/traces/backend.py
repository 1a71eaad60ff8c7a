"""Where traces are read from: one small interface, and whatever answers at an address."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import httpx
import msgspec

from lab.api import Api, ProblemError
from lab.errors import BandstandError
from lab.traces.jaeger import Jaeger
from lab.traces.kept import read
from lab.traces.span import Span
from lab.traces.zipkin import Zipkin


class UnknownBackendError(BandstandError):
    """Something answers, but neither as Zipkin does nor as Jaeger does."""


class Backend(Protocol):
    """`patience_seconds` is how long it may take until a saga that is over is told as a whole,
    `told` which ones are."""

    @property
    def patience_seconds(self) -> float: ...

    @property
    def told(self) -> str: ...

    def trace(self, trace_id: str) -> list[Span]:
        """Empty where nobody has told of it, or not yet."""

    def saga(self, saga_id: str) -> list[Span]:
        """All of a saga's spans, in whichever trace they are."""

    def last(self, mode: str, count: int, outcome: str | None = None) -> list[list[Span]]:
        """The traces of a mode's latest finished sagas, newest first; only those with such an
        outcome, if there is one."""

    def page(self, trace_id: str) -> str | None:
        """Where a person looks at it."""


@contextmanager
def reading(where: str, transport: httpx.BaseTransport | None = None) -> Iterator[Backend]:
    """The URL of a Zipkin or a Jaeger, or a file of kept traces."""
    if "://" not in where:
        yield read(Path(where))
        return
    url = where.rstrip("/")
    with Api(url, transport=transport) as api:
        yield _recognised(api, url)


def _recognised(api: Api, url: str) -> Backend:
    if _answers(api, "/api/v2/services", list[str]):
        return Zipkin(api, url)
    if _answers(api, "/api/services", dict[str, object]):
        return Jaeger(api, url)
    raise UnknownBackendError(f"{url} answers neither as Zipkin does nor as Jaeger does")


def _answers(api: Api, path: str, shape: type[object]) -> bool:
    """Jaeger answers what it does not know with its page."""
    try:
        return api.find(path, shape) is not None
    except (ProblemError, msgspec.MsgspecError):
        return False
