"""What `up` and `status` show: the stack's processes as they are now, without its secrets."""

from datetime import datetime
from urllib.parse import urlsplit

import msgspec

from lab.stack import supervisor, zipkin
from lab.stack.home import Home
from lab.stack.processes import resident_bytes
from lab.stack.state import Kafka, Postgres, Stack
from lab.stack.supervisor import ProcessInfo


class ProcessReport(msgspec.Struct, frozen=True):
    name: str
    state: str
    pid: int
    port: int
    restarts: int
    rss_bytes: int
    uptime_seconds: float


class StackReport(msgspec.Struct, frozen=True):
    home: str
    started_at: datetime
    seed: int
    kafka: Kafka
    postgres: Postgres
    services: dict[str, str]
    processes: list[ProcessReport]
    rss_bytes: int
    traces: str | None = None


def report(home: Home, stack: Stack) -> StackReport:
    """Memory includes the supervisor's; a given server's is not ours to count."""
    ports = known_ports(stack)
    listed = supervisor.processes(home)
    processes = [_process(each, ports) for each in listed]
    supervised = sum(each.rss_bytes for each in processes)
    return StackReport(
        home=stack.home,
        started_at=stack.started_at,
        seed=stack.seed,
        kafka=stack.kafka,
        postgres=msgspec.structs.replace(stack.postgres, url=without_password(stack.postgres.url)),
        services={name: service.url for name, service in stack.services.items()},
        processes=sorted(processes, key=lambda process: process.port),
        rss_bytes=supervised + resident_bytes(stack.supervisor.pid, children=False),
        traces=stack.traces,
    )


def known_ports(stack: Stack) -> dict[str, int]:
    instances = [each for service in stack.services.values() for each in service.instances]
    return {
        **{instance.name: instance.port for instance in instances},
        "kafka": int(stack.kafka.bootstrap.rpartition(":")[2]),
        "postgres": urlsplit(stack.postgres.url).port or 5432,
        **({zipkin.NAME: urlsplit(stack.traces).port or 80} if stack.traces else {}),
    }


def without_password(url: str) -> str:
    parts = urlsplit(url)
    if parts.password is None:
        return url
    user, _, address = parts.netloc.rpartition("@")
    return parts._replace(netloc=f"{user.partition(':')[0]}@{address}").geturl()


def _process(info: ProcessInfo, ports: dict[str, int]) -> ProcessReport:
    return ProcessReport(
        name=info.name,
        state=info.state,
        pid=info.pid,
        port=ports[info.name],
        restarts=info.restarts,
        rss_bytes=resident_bytes(info.pid) if info.pid else 0,
        uptime_seconds=info.uptime_seconds,
    )
