"""A broker as companies run them: TLS, SCRAM, and nobody may do what was not permitted."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from lab.stack.java import Java
from lab.stack.kafka.settings import BrokerPorts, broker_settings
from lab.stack.ports import LOOPBACK, Ports
from tests.integration.broker_process import a_broker, java_with_kafka

SECRET = "a-password-for-tests"
LOGIN = "org.apache.kafka.common.security.scram.ScramLoginModule"
MECHANISM = "SCRAM-SHA-512"


class StrictBroker(NamedTuple):
    bootstrap: str
    authorities: Path

    def environment(self, user: str, password: str = SECRET) -> dict[str, str]:
        """For whoever reads settings."""
        return {
            "BANDSTAND_KAFKA": self.bootstrap,
            "BANDSTAND_KAFKA_SECURITY": "SASL_SSL",
            "BANDSTAND_KAFKA_MECHANISM": MECHANISM,
            "BANDSTAND_KAFKA_USER": user,
            "BANDSTAND_KAFKA_PASSWORD": password,
            "BANDSTAND_KAFKA_CA": str(self.authorities),
        }


@contextmanager
def strict_broker(folder: Path, users: list[str]) -> Iterator[StrictBroker]:
    """The infrastructure's own broker has to have been started once, for its libraries."""
    java, ports = java_with_kafka(), Ports()
    authorities = make_certificate(java, folder)
    used = BrokerPorts(ports.take(), ports.take())
    added = [word for user in ("admin", *users) for word in ("--add-scram", credential(user))]
    with a_broker(java, folder, strict_settings(used, folder), used.broker, *added) as bootstrap:
        yield StrictBroker(bootstrap, authorities)


def credential(user: str) -> str:
    return f"{MECHANISM}=[name={user},password={SECRET}]"


def strict_settings(ports: BrokerPorts, folder: Path) -> dict[str, str]:
    login = f'{LOGIN} required username="admin" password="{SECRET}";'
    return {
        **broker_settings(ports, folder / "data"),
        "listener.security.protocol.map": "BROKER:SASL_SSL,CONTROLLER:PLAINTEXT",
        "sasl.enabled.mechanisms": MECHANISM,
        "sasl.mechanism.inter.broker.protocol": MECHANISM,
        "listener.name.broker.scram-sha-512.sasl.jaas.config": login,
        "ssl.keystore.type": "PKCS12",
        "ssl.keystore.location": str(folder / "broker.p12"),
        "ssl.keystore.password": SECRET,
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(folder / "ca.crt"),
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:admin;User:ANONYMOUS",
    }


def make_certificate(java: Java, folder: Path) -> Path:
    """Signed by itself, so that it is its own authority."""
    keytool = str(java.path.resolve().with_name("keytool"))
    store = ["-keystore", str(folder / "broker.p12"), "-storepass", SECRET, "-alias", "broker"]
    made = ["-genkeypair", "-keyalg", "EC", "-dname", "CN=broker", "-storetype", "PKCS12"]
    subprocess.run(
        [keytool, *made, *store, "-ext", f"SAN=IP:{LOOPBACK}"], check=True, capture_output=True
    )
    exported = subprocess.run(
        [keytool, "-exportcert", "-rfc", *store], check=True, capture_output=True
    )
    authorities = folder / "ca.crt"
    authorities.write_bytes(exported.stdout)
    return authorities
