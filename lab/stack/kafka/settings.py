"""One combined broker and controller (KRaft) with settings for a laptop."""

import base64
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lab.stack.ports import LOOPBACK
from lab.stack.state import Detour

VERSION = "4.4.0"
REPLICATED_ONCE = {
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "1",
}
FEW_THREADS = {
    "num.network.threads": "2",
    "num.io.threads": "2",
    "background.threads": "2",
    "num.replica.fetchers": "1",
    "num.recovery.threads.per.data.dir": "1",
}


@dataclass(frozen=True)
class BrokerPorts:
    broker: int
    controller: int
    detour: Detour | None = None


def broker_settings(
    ports: BrokerPorts, log_dirs: Path | str, bind: str = LOOPBACK
) -> dict[str, str]:
    """The voter is named here and not in the formatted data, so that ports may change
    between two starts. `bind` differs only inside a container."""
    listeners = {
        "BROKER": f"{bind}:{ports.broker}",
        "CONTROLLER": f"{LOOPBACK}:{ports.controller}",
    }
    advertised = {"BROKER": f"{LOOPBACK}:{ports.broker}"}
    if ports.detour:
        listeners["DETOUR"] = f"{LOOPBACK}:{ports.detour.exit}"
        advertised["DETOUR"] = f"{LOOPBACK}:{ports.detour.entrance}"
    return {
        "node.id": "1",
        "process.roles": "broker,controller",
        "controller.quorum.voters": f"1@{LOOPBACK}:{ports.controller}",
        "listeners": _listed(listeners, "://"),
        "advertised.listeners": _listed(advertised, "://"),
        "listener.security.protocol.map": _listed(dict.fromkeys(listeners, "PLAINTEXT"), ":"),
        "inter.broker.listener.name": "BROKER",
        "controller.listener.names": "CONTROLLER",
        "log.dirs": str(log_dirs),
        "auto.create.topics.enable": "false",
        "group.initial.rebalance.delay.ms": "0",
        # A killed broker may register again only after its former session has expired.
        "broker.session.timeout.ms": "3000",
        "broker.heartbeat.interval.ms": "1000",
        # An idle controller writes a record at this interval, by default twice a second.
        "metadata.max.idle.interval.ms": "5000",
        **REPLICATED_ONCE,
        **FEW_THREADS,
    }


def render_properties(settings: Mapping[str, str]) -> str:
    return "".join(f"{name}={_escaped(value)}\n" for name, value in settings.items())


def new_cluster_id() -> str:
    """As Kafka makes them: 16 random bytes; a leading dash would read as an option."""
    while True:
        text = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if not text.startswith("-"):
            return text


def _listed(listeners: Mapping[str, str], between: str) -> str:
    return ",".join(f"{name}{between}{value}" for name, value in listeners.items())


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\")
