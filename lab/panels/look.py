"""A Prometheus that looks on while a demo plays: this machine's, or Debian's package where it can
be had, unpacked once and not installed."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lab.errors import MissingError
from lab.panels.drawn import drawn
from lab.panels.server import serving
from lab.report.panels import Drawn
from lab.stack.home import Home
from lab.stack.processes import marked_environment
from lab.stack.state import Stack
from observability.prometheus import find_prometheus

EVERY = "2s"
PATIENCE_SECONDS = 60.0

Look = Callable[[], list[Drawn] | None]


@contextmanager
def looking_on(stack: Stack, narrate: Callable[[str], None]) -> Iterator[Look]:
    """What the panels would show by now; None where Prometheus cannot be had within a minute.
    `bandstand down` ends it too, should this process be killed."""
    try:
        prometheus = find_prometheus(within_seconds=PATIENCE_SECONDS)
    except MissingError as missing:
        narrate(f"a report without the dashboard's panels: {missing}")
        yield lambda: None
        return
    urls = {name: service.url for name, service in stack.services.items()}
    environment = marked_environment(Home(Path(stack.home)))
    with (
        tempfile.TemporaryDirectory(prefix="bandstand-prometheus-") as folder,
        serving(prometheus.server, urls, Path(folder), EVERY, environment=environment) as server,
    ):
        began = server.now()
        yield lambda: drawn(server, began)
