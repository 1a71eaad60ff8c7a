"""A Prometheus that looks on while a demo plays: this machine's, or Debian's package where it can
be had, unpacked once and not installed."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TypeVar

import httpx
import msgspec

from lab.errors import BandstandError
from lab.panels.drawn import drawn
from lab.panels.server import serving
from lab.report.panels import Drawn
from lab.stack.home import Home
from lab.stack.processes import marked_environment
from lab.stack.state import Stack
from observability.prometheus import find_prometheus

EVERY = "2s"
PATIENCE_SECONDS = 60.0

FAILURES = (
    BandstandError,
    OSError,
    httpx.HTTPError,
    msgspec.MsgspecError,
    ValueError,
    LookupError,
)

T = TypeVar("T")
Look = Callable[[], list[Drawn] | None]


@contextmanager
def looking_on(stack: Stack, narrate: Callable[[str], None]) -> Iterator[Look]:
    """What the panels would show by now; None where Prometheus cannot be had within a minute, or
    not be asked any more. Whatever becomes of a bystander, it is only they that are missing."""
    with ExitStack() as there:
        asked = _or_none(lambda: there.enter_context(_watching(stack)), narrate)
        yield lambda: _or_none(asked, narrate) if asked else None


def _or_none(had: Callable[[], T], narrate: Callable[[str], None]) -> T | None:
    try:
        return had()
    except FAILURES as failure:
        narrate(f"a report without the dashboard's panels: {str(failure) or repr(failure)}")
        return None


@contextmanager
def _watching(stack: Stack) -> Iterator[Callable[[], list[Drawn]]]:
    """`bandstand down` ends it too, should this process be killed."""
    prometheus = find_prometheus(within_seconds=PATIENCE_SECONDS)
    urls = {name: service.url for name, service in stack.services.items()}
    environment = marked_environment(Home(Path(stack.home)))
    with (
        tempfile.TemporaryDirectory(prefix="bandstand-prometheus-") as folder,
        serving(prometheus.server, urls, Path(folder), EVERY, environment=environment) as server,
    ):
        began = server.now()
        yield lambda: drawn(server, began)
