"""How a metric is declared: its kind, name, unit and help, before there is a registry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

if TYPE_CHECKING:
    from services.kit.metrics import Metrics

NAMESPACE = "bandstand"

LATENCY = (0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60)

M = TypeVar("M", Counter, Gauge, Histogram)


class Declared(Generic[M]):
    """A metric as it is declared; on an instance of `Metrics` it is the metric itself. A `shared`
    one is what each replica reads from their database: the maximum over them is it, not the sum."""

    def __init__(
        self,
        kind: type[M],
        name: str,
        unit: str,
        text: str,
        *labels: str,
        shared: bool = False,
        **more: Any,
    ) -> None:
        self.kind: type[M] = kind
        self.shared = shared
        self.name, self.unit = f"{NAMESPACE}_{name}", unit
        self.text, self.labels, self._more = text, labels, more

    @overload
    def __get__(self, metrics: None, owner: type[Metrics]) -> Declared[M]: ...

    @overload
    def __get__(self, metrics: Metrics, owner: type[Metrics]) -> M: ...

    def __get__(self, metrics: Metrics | None, owner: type[Metrics]) -> Declared[M] | M:
        """Reached through the class only: an instance has the metric under the same name."""
        return self

    @property
    def exposed(self) -> str:
        """As queries name it; a histogram's series have further endings."""
        return f"{self.name}_total" if self.kind is Counter else self.name

    def make(self, registry: CollectorRegistry) -> M:
        made: M = self.kind(self.name, self.text, self.labels, registry=registry, **self._more)
        return made


def counter(
    name: str, unit: str, text: str, *labels: str, shared: bool = False
) -> Declared[Counter]:
    return Declared(Counter, name, unit, text, *labels, shared=shared)


def gauge(name: str, unit: str, text: str, *labels: str, shared: bool = False) -> Declared[Gauge]:
    return Declared(Gauge, name, unit, text, *labels, shared=shared)


def histogram(
    name: str, unit: str, text: str, *labels: str, buckets: tuple[float, ...] = LATENCY
) -> Declared[Histogram]:
    return Declared(Histogram, name, unit, text, *labels, buckets=buckets)
