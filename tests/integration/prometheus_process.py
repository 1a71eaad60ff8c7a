"""A real Prometheus that scrapes a stack every second, with our rules evaluated as often."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from lab.panels.server import RULES, Series, Server, serving
from observability.prometheus import Prometheus
from tests.integration.waiting import eventually

EVERY = "1s"


class Monitor:
    def __init__(self, server: Server) -> None:
        self.server = server

    def targets_up(self) -> int:
        return len(self.series("up == 1", self.server.now()))

    def series(self, expr: str, since: float) -> list[dict[str, str]]:
        """The labels of each series that has a number in this range."""
        return [each.metric for each in self._range(expr, since) if _numbers(each)]

    def samples(self, expr: str, since: float) -> list[int]:
        """How many numbers a panel would draw, series by series; those with none are left out."""
        return [count for each in self._range(expr, since) if (count := _numbers(each))]

    def highest(self, expr: str, since: float) -> float:
        """The highest number that a panel would draw."""
        values = (float(value) for each in self._range(expr, since) for _, value in each.values)
        return max((value for value in values if not math.isnan(value)), default=math.nan)

    def firing(self) -> set[str]:
        """Those that only began to wait for their time are not."""
        alerts = self.server.ask("alerts")["alerts"]
        return {each["labels"]["alertname"] for each in alerts if each["state"] == "firing"}

    def exemplars(self, expr: str, since: float) -> list[dict[str, str]]:
        """The labels of the dots that Grafana would draw on it."""
        asked = {"query": expr, "start": since, "end": self.server.now()}
        found = self.server.ask("query_exemplars", **asked)
        return [each["labels"] for series in found for each in series["exemplars"]]

    def _range(self, expr: str, since: float) -> list[Series]:
        return self.server.range(expr, since, self.server.now(), 1)


def _numbers(series: Series) -> int:
    return sum(not math.isnan(float(value)) for _, value in series.values)


@contextmanager
def monitoring(
    prometheus: Prometheus, urls: dict[str, str], folder: Path, operator: str | None = None
) -> Iterator[Monitor]:
    """`urls` are those of the services, by name."""
    rules, everybody = _often(folder), len(urls) + bool(operator)
    with serving(prometheus.server, urls, folder, EVERY, rules, operator=operator) as server:
        monitor = Monitor(server)
        eventually(lambda: monitor.targets_up() == everybody, "every service is scraped")
        yield monitor


def _often(folder: Path) -> Path:
    """The same rules, evaluated as often as everything is scraped."""
    often = folder / "rules"
    often.mkdir()
    for path in RULES.glob("*.yml"):
        rules = yaml.safe_load(path.read_text())
        for group in rules["groups"]:
            group["interval"] = EVERY
        (often / path.name).write_text(yaml.safe_dump(rules))
    return often
