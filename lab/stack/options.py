"""What a stack is asked to be."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

SERVICES = ("order", "inventory", "payment", "shipping", "notification", "orchestrator")

TRACKER = "saga-tracker"


@dataclass(frozen=True)
class StackOptions:
    """`kafka` is HOST:PORT or a provider's name, `postgres` a URL or a provider's name.

    `service_command` gets the service's name as its last argument. `known_ports` asks for the
    documented ports; without it, stacks that run side by side (tests) do not compete for them.
    """

    kafka: str | None = None
    postgres: str | None = None
    replicas: Mapping[str, int] = field(default_factory=dict)
    seed: int = 1
    fresh: bool = False
    traces: bool = False
    timeout: timedelta = timedelta(seconds=120)
    known_ports: bool = True
    services: tuple[str, ...] = SERVICES
    service_command: tuple[str, ...] = (sys.executable, "-m", "services")
