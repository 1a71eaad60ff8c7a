"""A Prometheus that scrapes a stack and evaluates our rules, for as long as it is wanted."""

import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec

from lab.errors import NotReadyError
from lab.stack.ports import LOOPBACK, Ports

RULES = Path(__file__).parents[2] / "observability" / "rules"
PATIENCE_SECONDS = 120.0
STOP_SECONDS = 30.0
PAUSE_SECONDS = 0.1


class Series(msgspec.Struct, frozen=True):
    """`values` are (time, number as text), as Prometheus tells them."""

    metric: dict[str, str]
    values: list[tuple[float, str]]


class Server:
    """Its query API."""

    def __init__(self, url: str) -> None:
        self._http = httpx.Client(base_url=url, trust_env=False, timeout=PATIENCE_SECONDS)

    def is_ready(self) -> bool:
        try:
            return self._http.get("/-/ready").is_success
        except httpx.TransportError:
            return False

    def now(self) -> float:
        return float(self.ask("query", query="time()")["result"][1])

    def range(self, expr: str, start: float, end: float, step: float) -> list[Series]:
        window = {"start": start, "end": end, "step": step}
        return msgspec.convert(
            self.ask("query_range", query=expr, **window)["result"], list[Series]
        )

    def ask(self, what: str, **parameters: Any) -> Any:
        answer = self._http.get(f"/api/v1/{what}", params=parameters).json()
        if answer["status"] != "success":
            raise ValueError(answer)
        return answer["data"]

    def close(self) -> None:
        self._http.close()


@contextmanager
def serving(
    program: Path,
    urls: Mapping[str, str],
    folder: Path,
    every: str,
    rules: Path = RULES,
    environment: Mapping[str, str] | None = None,
    operator: str | None = None,
) -> Iterator[Server]:
    """`urls` are those of the services, by name, `operator` that of an operator, if there is one;
    `folder` gets its data and its log."""
    port = Ports().take()
    configuration = folder / "prometheus.yml"
    jobs = [_services(urls), *([_operator(operator)] if operator else [])]
    configuration.write_bytes(msgspec.json.encode(_configuration(jobs, every, rules)))
    command = [
        str(program),
        f"--config.file={configuration}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={LOOPBACK}:{port}",
        "--enable-feature=exemplar-storage",
    ]
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)  # noqa: S603 - our own command line
    server = Server(f"http://{LOOPBACK}:{port}")
    try:
        _await(server, process, folder)
        yield server
    finally:
        server.close()
        process.terminate()
        try:
            process.wait(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()


def _await(server: Server, process: subprocess.Popen[bytes], folder: Path) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not server.is_ready():
        if process.poll() is not None or time.monotonic() > deadline:
            said = (folder / "prometheus.log").read_text(errors="replace").splitlines()
            raise NotReadyError(f"Prometheus does not answer: {said[-1] if said else 'no word'}")
        time.sleep(PAUSE_SECONDS)


Job = dict[str, Any]


def _configuration(jobs: Sequence[Job], every: str, rules: Path) -> dict[str, Any]:
    """YAML by way of JSON, which is a part of it."""
    return {
        "global": {"scrape_interval": every, "evaluation_interval": every},
        "rule_files": [str(rules / "*.yml")],
        "scrape_configs": jobs,
    }


def _services(urls: Mapping[str, str]) -> Job:
    targets = [
        {"targets": [_address(url)], "labels": {"service": service}}
        for service, url in urls.items()
    ]
    return {"job_name": "bandstand", "static_configs": targets}


def _operator(url: str) -> Job:
    return {"job_name": "bandstand-operator", "static_configs": [{"targets": [_address(url)]}]}


def _address(url: str) -> str:
    return url.removeprefix("http://")
