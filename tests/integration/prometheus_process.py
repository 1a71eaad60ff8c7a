"""A real Prometheus that scrapes a stack every second, with our rules evaluated as often."""

import math
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import yaml

from lab.stack.ports import LOOPBACK, Ports
from observability.prometheus import Prometheus
from tests.integration.waiting import eventually

EVERY = "1s"
RULES = Path(__file__).parents[2] / "observability" / "rules"


class Monitor:
    def __init__(self, url: str) -> None:
        self._http = httpx.Client(base_url=url, trust_env=False, timeout=30)

    def is_ready(self) -> bool:
        try:
            return self._http.get("/-/ready").is_success
        except httpx.TransportError:
            return False

    def targets_up(self) -> int:
        return len(self.series("up == 1", 0))

    def series(self, expr: str, since: float) -> list[dict[str, str]]:
        """The labels of each series that has a number in this range."""
        return [each["metric"] for each in self._range(expr, since) if _numbers(each)]

    def samples(self, expr: str, since: float) -> list[int]:
        """How many numbers a panel would draw, series by series; those with none are left out."""
        return [count for each in self._range(expr, since) if (count := _numbers(each))]

    def _range(self, expr: str, since: float) -> list[dict[str, Any]]:
        now = float(self._ask("query", query="time()")["result"][1])
        window = {"start": since or now, "end": now, "step": 1}
        found: list[dict[str, Any]] = self._ask("query_range", query=expr, **window)["result"]
        return found

    def firing(self) -> set[str]:
        return {alert["labels"]["alertname"] for alert in self._ask("alerts")["alerts"]}

    def _ask(self, what, **parameters):
        answer = self._http.get(f"/api/v1/{what}", params=parameters).json()
        assert answer["status"] == "success", answer
        return answer["data"]

    def close(self) -> None:
        self._http.close()


def _numbers(series: dict[str, Any]) -> int:
    return sum(not math.isnan(float(value)) for _, value in series["values"])


@contextmanager
def monitoring(prometheus: Prometheus, urls: dict[str, str], folder: Path) -> Iterator[Monitor]:
    """`urls` are those of the services, by name."""
    port = Ports().take()
    (folder / "prometheus.yml").write_text(yaml.safe_dump(_configuration(urls, folder)))
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(
            [
                prometheus.server,
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address={LOOPBACK}:{port}",
            ],
            stdout=log,
            stderr=log,
        )
    monitor = Monitor(f"http://{LOOPBACK}:{port}")
    try:
        eventually(monitor.is_ready, f"Prometheus is ready, see {folder}")
        eventually(lambda: monitor.targets_up() == len(urls), "every service is scraped")
        yield monitor
    finally:
        monitor.close()
        process.terminate()
        process.wait(timeout=30)


def _configuration(urls: dict[str, str], folder: Path) -> dict:
    targets = [
        {"targets": [url.removeprefix("http://")], "labels": {"service": service}}
        for service, url in urls.items()
    ]
    return {
        "global": {"scrape_interval": EVERY, "evaluation_interval": EVERY},
        "rule_files": [str(_often(path, folder)) for path in sorted(RULES.glob("*.yml"))],
        "scrape_configs": [{"job_name": "bandstand", "static_configs": targets}],
    }


def _often(path: Path, folder: Path) -> Path:
    """The same rules, evaluated as often as everything is scraped."""
    rules = yaml.safe_load(path.read_text())
    for group in rules["groups"]:
        group["interval"] = EVERY
    (folder / path.name).write_text(yaml.safe_dump(rules))
    return folder / path.name
