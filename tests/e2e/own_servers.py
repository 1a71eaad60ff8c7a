"""A Kafka (TLS, SCRAM, permits) and a PostgreSQL that are no part of a release, as companies have
them, and the Secrets by which `values-production.yaml` gets to them."""

import base64
import subprocess
from pathlib import Path

import yaml

from lab.stack.kafka.settings import new_cluster_id, render_properties
from services.kit.bootstrap import EVERY_SERVICE
from tests.e2e.cluster import CHART, PATIENCE, apply, run
from tests.unit.rendering import kafka_properties

PASSWORD = "a-password-for-tests"
MECHANISM = "SCRAM-SHA-512"
LOGIN = "org.apache.kafka.common.security.scram.ScramLoginModule required"
USERS = {service: f"shop-{service}" for service in EVERY_SERVICE} | {"admin": "admin"}
START = """
cd /opt/kafka/bin
./kafka-storage.sh format --cluster-id {cluster} --config /etc/own/server.properties {users}
exec ./kafka-server-start.sh /etc/own/server.properties
"""


class OwnServers:
    """In a namespace of their own; they start when they are told to."""

    def __init__(self, namespace: str, folder: Path) -> None:
        self.namespace = namespace
        self.kafka = f"kafka.{namespace}:9093"
        self._key, self._certificate = certificate(f"kafka.{namespace}", folder)

    def secrets(self) -> list[dict]:
        """For the namespace of a release, under the names that the profile has."""
        databases = {one: self._url(one) for one in EVERY_SERVICE}
        passwords = {f"{one}.password": PASSWORD for one in USERS}
        return [
            secret("bandstand-admin", token="a-token-for-tests"),
            secret("bandstand-database", **databases, admin=self._url("bandstand")),
            secret("bandstand-kafka", **passwords, **{f"{k}.user": v for k, v in USERS.items()}),
            secret("bandstand-kafka-ca", **{"ca.crt": self._certificate}),
        ]

    def start(self) -> None:
        files = {
            "server.properties": render_properties(self._properties()),
            "broker.pem": self._key + self._certificate,
            "ca.crt": self._certificate,
        }
        users = " ".join(
            f"--add-scram '{MECHANISM}=[name={user},password={PASSWORD}]'"
            for user in USERS.values()
        )
        begin = START.format(cluster=new_cluster_id(), users=users)
        apply(
            self.namespace,
            secret("kafka", **files),
            server("kafka", 9093, "/etc/own", ["sh", "-ec", begin]),
            service("kafka", 9093),
            secret("postgres", **{"roles.sql": "".join(map(a_role, EVERY_SERVICE))}),
            server("postgres", 5432, "/docker-entrypoint-initdb.d"),
            service("postgres", 5432),
        )
        ready = ("--for=condition=Ready", f"--timeout={PATIENCE}")
        run("kubectl", f"--namespace={self.namespace}", "wait", "pods", "--all", *ready)

    def _url(self, user: str) -> str:
        return f"postgresql://{user}:{PASSWORD}@postgres.{self.namespace}:5432/bandstand"

    def _properties(self) -> dict[str, str]:
        """Those of the release's own broker, but for who is let in and how."""
        return kafka_properties() | {
            "controller.quorum.voters": "1@localhost:9094",
            "listeners": "BROKER://:9093,CONTROLLER://localhost:9094",
            "advertised.listeners": f"BROKER://{self.kafka}",
            "listener.security.protocol.map": "BROKER:SASL_SSL,CONTROLLER:PLAINTEXT",
            "sasl.enabled.mechanisms": MECHANISM,
            "sasl.mechanism.inter.broker.protocol": MECHANISM,
            "listener.name.broker.scram-sha-512.sasl.jaas.config": (
                f'{LOGIN} username="admin" password="{PASSWORD}";'
            ),
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": "/etc/own/broker.pem",
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": "/etc/own/ca.crt",
            "super.users": "User:admin;User:ANONYMOUS",
            "log.dirs": "/tmp/data",
        }


def certificate(host: str, folder: Path) -> tuple[str, str]:
    """A key and what it signed itself, so that it is its own authority."""
    key, signed = folder / "key.pem", folder / "certificate.pem"
    made = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-days", "2")
    named = ("-subj", f"/CN={host}", "-addext", f"subjectAltName=DNS:{host}")
    command = ("openssl", "req", "-x509", *made, *named, "-keyout", key, "-out", signed)
    subprocess.run(command, check=True, capture_output=True)
    return key.read_text(), signed.read_text()


def a_role(service: str) -> str:
    return (
        f"CREATE ROLE \"{service}\" LOGIN PASSWORD '{PASSWORD}';\n"
        f'GRANT CONNECT, CREATE ON DATABASE bandstand TO "{service}";\n'
    )


def secret(name: str, **data: str) -> dict:
    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "data": encoded}


def service(name: str, port: int) -> dict:
    spec = {"selector": {"app": name}, "ports": [{"port": port}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}


def server(name: str, port: int, files: str, command: list[str] | None = None) -> dict:
    """In the image that the chart would take, with its Secret's files in that folder."""
    image = yaml.safe_load((CHART / "values.yaml").read_text())[name]["image"]
    settings = {
        "POSTGRES_USER": "bandstand",
        "POSTGRES_PASSWORD": PASSWORD,
        "KAFKA_HEAP_OPTS": "-Xms256m -Xmx256m",
    }
    container = {
        "name": name,
        "image": f"{image['repository']}:{image['tag']}",
        "env": [{"name": key, "value": value} for key, value in settings.items()],
        "readinessProbe": {"tcpSocket": {"port": port}, "periodSeconds": 1},
        "volumeMounts": [{"name": "files", "mountPath": files}],
        **({"command": command} if command else {}),
    }
    spec = {
        "containers": [container],
        "volumes": [{"name": "files", "secret": {"secretName": name}}],
        "terminationGracePeriodSeconds": 1,
    }
    metadata = {"name": name, "labels": {"app": name}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
