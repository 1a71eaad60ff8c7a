"""Kafka clients at the near end of a tunnel.

A broker tells its clients where it is to be found, and inside a cluster that is a name which means
nothing outside. kafka-python connects by way of what `proxy_url` names, for every address that it
is told; ours is a proxy that needs no protocol: whatever the address, it connects to the tunnel.
Names stay what they were, so that certificates are checked against them. It takes a tunnel for one
broker, which is what a release has.
"""

from typing import Any
from urllib.parse import urlsplit

from kafka.net import KafkaNetSocket

from lab.stack.ports import LOOPBACK

SCHEME = "tunnel"


class _TunnelSocket(KafkaNetSocket):  # type: ignore[misc]
    """Known to kafka-python by its scheme as soon as it is defined."""

    SCHEMES = (SCHEME,)

    def __init__(self, proxy_url: str) -> None:
        self._port = urlsplit(proxy_url).port

    def dns_lookup(self, host: str, port: int, raise_error: bool = False) -> Any:
        return super().dns_lookup(LOOPBACK, self._port, raise_error)


def through(local_port: int) -> dict[str, str]:
    """Options for a client."""
    return {"proxy_url": f"{SCHEME}://{LOOPBACK}:{local_port}"}
