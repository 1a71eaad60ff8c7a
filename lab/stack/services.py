"""The services' processes: names, ports, environment."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lab.stack import ports as known
from lab.stack.options import StackOptions
from lab.stack.ports import LOOPBACK, Ports
from lab.stack.state import Instance, Service
from lab.stack.supervisor import SERVICES, Program
from lab.stack.zipkin import spans_url

SAMPLER = "parentbased_traceidratio"
SAMPLED_SHARE = "0.1"
STOP_SECONDS = 12  # a service has 10 to finish what it holds
REPLICAS = 100
REPLICAS_PER_SERVICE = 10


@dataclass(frozen=True)
class Environment:
    """What all services share."""

    database_url: str
    kafka: str
    token: str
    seed: int
    traces: str | None = None
    journal: Path | None = None

    def variables(self) -> dict[str, str]:
        """One saga in ten is traced, unless the caller's environment says otherwise."""
        return {
            "OTEL_TRACES_SAMPLER": os.environ.get("OTEL_TRACES_SAMPLER", SAMPLER),
            "OTEL_TRACES_SAMPLER_ARG": os.environ.get("OTEL_TRACES_SAMPLER_ARG", SAMPLED_SHARE),
            "BANDSTAND_DATABASE_URL": self.database_url,
            "BANDSTAND_KAFKA": self.kafka,
            "BANDSTAND_TOKEN": self.token,
            "BANDSTAND_SEED": str(self.seed),
            "BANDSTAND_HOST": LOOPBACK,
            **self._tracing(),
        }

    def _tracing(self) -> dict[str, str]:
        """Spans are handed over soon enough for somebody who looks right after placing an order."""
        if self.traces is None:
            return {}
        return {
            "OTEL_EXPORTER_ZIPKIN_ENDPOINT": spans_url(self.traces),
            "OTEL_BSP_SCHEDULE_DELAY": "1000",
            **({"BANDSTAND_SPAN_JOURNAL": str(self.journal)} if self.journal else {}),
        }


def plan_instances(options: StackOptions, ports: Ports) -> dict[str, Service]:
    return {name: _service(name, options, ports) for name in options.services}


def programs(
    services: dict[str, Service], options: StackOptions, environment: Environment
) -> Iterator[Program]:
    for name, service in services.items():
        for instance in service.instances:
            yield Program(
                name=instance.name,
                command=[*options.service_command, name],
                group=SERVICES,
                port=instance.port,
                environment={
                    **environment.variables(),
                    "BANDSTAND_PORT": str(instance.port),
                    "BANDSTAND_INSTANCE": instance.name,
                },
                stop_seconds=STOP_SECONDS,
            )


def _service(name: str, options: StackOptions, ports: Ports) -> Service:
    index = options.services.index(name)
    count = options.replicas.get(name, 1)
    instances = [
        _instance(f"{name}-{replica}", ports.take(_preferred(options, index, replica)))
        for replica in range(count)
    ]
    return Service(url=instances[0].url, instances=instances)


def _instance(name: str, port: int) -> Instance:
    return Instance(name=name, url=f"http://{LOOPBACK}:{port}", port=port)


def _preferred(options: StackOptions, index: int, replica: int) -> int | None:
    """18080 is the order service, 18081 inventory, ...; a second inventory is 18191."""
    if not options.known_ports:
        return None
    if replica == 0:
        return known.SERVICES + index
    return known.SERVICES + REPLICAS + REPLICAS_PER_SERVICE * index + replica
