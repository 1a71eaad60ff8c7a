"""Free ports on the loopback interface.

Random ones come from below the range the kernel gives to outgoing connections: a client that
keeps calling a dead server's port in that range can end up connected to itself, and the
restarted server then finds its port taken.
"""

import random
import socket
from collections.abc import Callable, Container

LOOPBACK = "127.0.0.1"
SERVICES = 18080
KAFKA = 18092
KAFKA_CONTROLLER = 18093
KAFKA_DETOUR = 18094
KAFKA_BEHIND_DETOUR = 18095
POSTGRES = 18032
ZIPKIN = 18411
ANY = range(20_000, 32_000)


def is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


class Ports:
    """Hands out each port once; the preferred one if it is free."""

    def __init__(self, free: Callable[[int], bool] = is_free, taken: Container[int] = ()) -> None:
        self._free = free
        self._given: set[int] = set()
        self._taken = taken

    def take(self, preferred: int | None = None) -> int:
        port = preferred if preferred and self._available(preferred) else self._any()
        self._given.add(port)
        return port

    def _available(self, port: int) -> bool:
        return port not in self._given and port not in self._taken and self._free(port)

    def _any(self) -> int:
        for port in random.sample(ANY, len(ANY)):
            if self._available(port):
                return port
        raise OSError("no free port on the loopback interface")
