"""A Prometheus that looks on while a demo plays, where one is installed."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lab.panels.drawn import drawn
from lab.panels.server import serving
from lab.report.panels import Drawn
from lab.stack.home import Home
from lab.stack.processes import marked_environment
from lab.stack.state import Stack
from observability.prometheus import installed_prometheus

EVERY = "2s"

Look = Callable[[], list[Drawn] | None]


@contextmanager
def looking_on(stack: Stack) -> Iterator[Look]:
    """What the panels would show by now; None where there is no Prometheus. `bandstand down` ends
    it too, should this process be killed."""
    prometheus = installed_prometheus()
    if prometheus is None:
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
