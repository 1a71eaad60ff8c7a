"""Counters that survive the processes that keep them.

A counter that falls belongs to a process that began again; what it shows then counts in full
(Prometheus's own rule). What a killed process counted after its last sample is lost, which is
at most one sampling interval per restart.
"""

from collections.abc import Iterable, Mapping, Sequence

import msgspec
from prometheus_client import Metric
from prometheus_client.openmetrics import parser

READ = (
    "bandstand_transactions",
    "bandstand_spans",
    "bandstand_faults",
)


class Series(msgspec.Struct, frozen=True):
    """One time series of one process."""

    process: str
    name: str
    labels: frozenset[tuple[str, str]]

    def label(self, name: str) -> str | None:
        return dict(self.labels).get(name)


def parse(process: str, exposition: str, names: Sequence[str] = READ) -> dict[Series, float]:
    """The counters that are asked for, of one process's `/metrics`; the many others are not even
    parsed, since that would cost more than the process that shows them."""
    return {
        Series(process, sample.name, frozenset(sample.labels.items())): sample.value
        for family in _families(_only(names, exposition))
        for sample in family.samples
        if sample.name.endswith("_total")
    }


def _only(names: Sequence[str], exposition: str) -> str:
    samples = tuple(f"{name}_{end}" for name in names for end in ("total", "created"))
    about = tuple(f"# {word} {name} " for name in names for word in ("HELP", "TYPE", "UNIT"))
    lines = (line for line in exposition.splitlines() if line.startswith((*samples, *about)))
    return "\n".join((*lines, "# EOF\n"))


def _families(exposition: str) -> Iterable[Metric]:
    return parser.text_string_to_metric_families(exposition)  # type: ignore[no-untyped-call,no-any-return]


class Increase:
    """How much each series has risen since the first sample."""

    def __init__(self) -> None:
        self._last: dict[Series, float] = {}
        self._risen: dict[Series, float] = {}
        self._known: set[str] = set()

    def sample(self, process: str, values: Mapping[Series, float]) -> None:
        """A series that shows up later began at nought; a process's first sample is the base."""
        is_first = process not in self._known
        self._known.add(process)
        for series, value in values.items():
            last = value if is_first else self._last.get(series, 0.0)
            risen = value - last if value >= last else value
            self._risen[series] = self._risen.get(series, 0.0) + risen
            self._last[series] = value

    def total(self, name: str, **labels: str) -> float:
        return sum(value for _, value in self._matching(name, labels))

    def by(self, label: str, name: str, **labels: str) -> dict[str, float]:
        """Totals by one label's values, nought left out."""
        totals: dict[str, float] = {}
        for series, value in self._matching(name, labels):
            key = series.label(label) or ""
            totals[key] = totals.get(key, 0.0) + value
        return {key: value for key, value in totals.items() if value}

    def _matching(self, name: str, labels: Mapping[str, str]) -> Iterable[tuple[Series, float]]:
        wanted = frozenset(labels.items())
        return (
            (series, value)
            for series, value in self._risen.items()
            if series.name == name and wanted <= series.labels
        )
