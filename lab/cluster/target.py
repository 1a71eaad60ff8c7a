"""A release as a target of commands: a tunnel is opened when a command first needs it."""

from contextlib import ExitStack
from typing import Any, Self
from urllib.parse import quote

import msgspec

from lab.cluster.kubectl import Kubectl
from lab.cluster.pods import PodReport, report
from lab.cluster.release import Release, find_release, read_secret
from lab.cluster.through_tunnel import through
from lab.cluster.tunnel import Tunnel
from lab.cluster.usage import cpu_seconds
from lab.database import PATIENCE_SECONDS, Database
from lab.errors import MissingError
from lab.measure.processes import Seconds
from lab.report.model import Machine
from lab.stack.ports import LOOPBACK, Ports
from lab.target import KafkaAccess, Target
from services.kit.bootstrap import SERVICES
from services.kit.kafka_security import Security

Tunnels = dict[tuple[str, int], Tunnel]

HTTP = 8080
KAFKA = 9092
POSTGRES = 5432
JAEGER = 16686
CA_KEY = "ca.crt"
OWNER = "admin"
COUNTED = (*SERVICES, "kafka", "postgres")
MACHINE = "import os, platform; print(os.cpu_count(), platform.python_version())"


class ReleaseTarget(Target):
    services = SERVICES

    def __init__(self, kubectl: Kubectl, release: Release) -> None:
        self._kubectl = kubectl
        self._release = release
        self._ports = Ports()
        self._open = ExitStack()
        self._tunnels: Tunnels = {}
        self._secrets: dict[str, dict[str, str]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    @property
    def token(self) -> str:
        return self._secret_of("BANDSTAND_TOKEN")

    def url(self, service: str) -> str:
        return f"http://{LOOPBACK}:{self._tunnel(service, HTTP)}"

    def urls(self) -> dict[str, str]:
        """All tunnels open at the same time."""
        for service in self.services:
            self._dig(self._address(service), HTTP)
        return super().urls()

    def instances(self, service: str) -> list[str]:
        """Any one: the others read in the database, within a second, what it was told."""
        return [self.url(service)]

    def kafka(self) -> KafkaAccess:
        """A broker of the release's own is behind a tunnel; another one must be reachable."""
        bootstrap = self._release.settings["BANDSTAND_KAFKA"]
        options = self._security().options()
        if self._release.has("kafka"):
            options |= through(self._tunnel("kafka", KAFKA))
        return KafkaAccess(bootstrap, options)

    def postgres(self) -> str:
        database = self._release.secrets["BANDSTAND_DATABASE_URL"].name
        if not self._release.has("postgres"):
            return self._key(database, OWNER)
        password = quote(self._key(database, f"{OWNER}.password"), safe="")
        port = self._tunnel("postgres", POSTGRES)
        return f"postgresql://bandstand:{password}@{LOOPBACK}:{port}/bandstand"

    def database(self, patience: float = PATIENCE_SECONDS) -> Database:
        return Database(self.postgres(), patience, self._renew_tunnel_to_postgres)

    def _renew_tunnel_to_postgres(self) -> None:
        if self._release.has("postgres"):
            self._dig(self._address("postgres"), POSTGRES).renew()

    def traces(self) -> str:
        if not self._release.has("jaeger"):
            raise MissingError("this release keeps no traces: `jaeger.enabled` is off")
        return f"http://{LOOPBACK}:{self._tunnel('jaeger', JAEGER)}"

    def replicas(self) -> dict[str, str]:
        """Each pod has a tunnel of its own."""
        pods = [pod.name for pod in self._pods() if pod.component in SERVICES]
        tunnels = [self._dig(f"pod/{pod}", HTTP) for pod in pods]
        for tunnel in tunnels:
            tunnel.await_open()
        return {
            pod: f"http://{LOOPBACK}:{tunnel.local}"
            for pod, tunnel in zip(pods, tunnels, strict=True)
        }

    def cpu_seconds(self) -> Seconds:
        return cpu_seconds(self._kubectl, self._pods())

    def restarts(self) -> dict[str, int]:
        return {pod.name: pod.restarts for pod in self._pods()}

    def machine(self) -> Machine:
        """That of an order service's pod."""
        pod = next(pod.name for pod in self._pods() if pod.component == "order")
        cores, python = self._kubectl.run_in(pod, f"python3 -c '{MACHINE}'").split()
        return Machine(
            cores=int(cores),
            python=python,
            system="Kubernetes",
            kafka=self._whose("kafka"),
            postgres=self._whose("postgres"),
        )

    def _whose(self, component: str) -> str:
        return "in the release" if self._release.has(component) else "elsewhere"

    def _pods(self) -> list[PodReport]:
        """Those that orders cost something."""
        found = report(self._kubectl, self._release.name).pods
        return [pod for pod in found if pod.component in COUNTED and pod.state == "Running"]

    def _security(self) -> Security:
        """The lab is the owner: it looks into every topic, and replays to every service."""
        settings, secrets = self._release.settings, self._release.secrets
        said: dict[str, Any] = {}
        for field, variable in _SECURITY.items():
            if variable in settings:
                said[field] = settings[variable]
        if password := secrets.get("BANDSTAND_KAFKA_PASSWORD"):
            said["user"] = self._secret(password.name).get(f"{OWNER}.user", OWNER)
            said["password"] = self._key(password.name, f"{OWNER}.password")
        if self._release.kafka_ca:
            said["authorities"] = self._key(self._release.kafka_ca, CA_KEY)
        return msgspec.convert(said, Security)

    def _secret_of(self, variable: str) -> str:
        reference = self._release.secrets[variable]
        return self._key(reference.name, reference.key)

    def _key(self, name: str, key: str) -> str:
        found = self._secret(name)
        if key not in found:
            raise MissingError(f"the Secret {name!r} has no key {key!r}, which this needs")
        return found[key]

    def _secret(self, name: str) -> dict[str, str]:
        if name not in self._secrets:
            self._secrets[name] = read_secret(self._kubectl, name)
        return self._secrets[name]

    def _tunnel(self, component: str, port: int) -> int:
        tunnel = self._dig(self._address(component), port)
        tunnel.await_open()
        return tunnel.local

    def _address(self, component: str) -> str:
        return f"service/{self._release.addresses[component]}"

    def _dig(self, place: str, port: int) -> Tunnel:
        if (known := self._tunnels.get((place, port))) is not None:
            return known
        tunnel = Tunnel(self._kubectl, place, port, self._ports.take())
        self._tunnels[place, port] = tunnel
        return self._open.enter_context(tunnel)


_SECURITY = {"protocol": "BANDSTAND_KAFKA_SECURITY", "mechanism": "BANDSTAND_KAFKA_MECHANISM"}


def release_target(namespace: str, release: str) -> ReleaseTarget:
    kubectl = Kubectl(namespace)
    return ReleaseTarget(kubectl, find_release(kubectl, release))
