"""Kafka from its own image, with the same settings."""

from lab.stack.docker import run_command
from lab.stack.home import Home
from lab.stack.kafka.settings import VERSION, BrokerPorts, broker_settings
from lab.stack.supervisor import INFRASTRUCTURE, Program

IMAGE = f"apache/kafka:{VERSION}"
DATA = "/var/lib/kafka/data"


def prepare(home: Home, ports: BrokerPorts) -> Program:
    settings = broker_settings(ports, DATA, bind="0.0.0.0")  # noqa: S104 - inside the container
    environment = {_variable(name): value for name, value in settings.items()}
    return Program(
        name="kafka",
        command=run_command(
            home,
            "kafka",
            IMAGE,
            port=ports.broker,
            volume_at=DATA,
            environment={**environment, "KAFKA_HEAP_OPTS": "-Xms256m -Xmx256m"},
        ),
        group=INFRASTRUCTURE,
        port=ports.broker,
    )


def _variable(setting: str) -> str:
    """The image's convention."""
    return "KAFKA_" + setting.replace("_", "__").replace("-", "___").replace(".", "_").upper()
