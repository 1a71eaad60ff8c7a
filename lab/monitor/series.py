"""How many series a Prometheus has to keep to watch the sagas of one mode; pure."""

from collections.abc import Iterable, Mapping

from lab.monitor.exposition import Sample
from services.kit.message import Mode


def of_mode(mode: Mode, exposed: Mapping[str, Iterable[Sample]], watched: Iterable[str]) -> int:
    """Those of the mode itself and those that belong to no mode, of the services in `watched`."""
    return sum(
        sample.labels.get("mode", mode) == mode
        for service in watched
        for sample in exposed[service]
    )
