"""Whether something answers; each probe returns what is wrong, or nothing."""

import logging
import socket
from datetime import timedelta

import httpx
import msgspec

PROBE = timedelta(seconds=1)


def kafka_problem(bootstrap: str) -> str | None:
    """A broker that accepts connections may not be in service yet; one that lists itself is."""
    if not any(_connects(server) for server in bootstrap.split(",")):
        return f"nothing listens on {bootstrap}"
    from kafka import KafkaAdminClient
    from kafka.errors import KafkaError

    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    try:
        admin = KafkaAdminClient(bootstrap_servers=bootstrap.split(","), bootstrap_timeout_ms=1000)
        try:
            return None if admin.describe_cluster()["brokers"] else "no broker has registered yet"
        finally:
            admin.close()
    except (KafkaError, OSError) as problem:
        return f"no answer on {bootstrap}: {type(problem).__name__}"


def postgres_problem(url: str) -> str | None:
    import psycopg

    try:
        with psycopg.connect(url, connect_timeout=2, autocommit=True) as connection:
            connection.execute("SELECT 1")
    except psycopg.Error as problem:
        return str(problem).strip().splitlines()[-1]
    return None


def service_problem(client: httpx.Client, url: str) -> str | None:
    """`/readyz` names what does not answer."""
    try:
        answer = client.get(f"{url}/readyz", timeout=PROBE.total_seconds())
    except httpx.HTTPError:
        return "does not answer yet"
    if answer.status_code == 200:
        return None
    return _reason(answer)


def _reason(answer: httpx.Response) -> str:
    """Either the map of checks or a problem document that holds it."""
    try:
        body = msgspec.json.decode(answer.content, type=dict[str, object])
    except msgspec.DecodeError:
        return f"answers {answer.status_code}"
    checks = [f"{name}: {body[name]}" for name in ("database", "broker") if body.get(name)]
    failing = [check for check in checks if not check.endswith(": ok")]
    return ", ".join(failing) or str(body.get("detail") or f"answers {answer.status_code}")


def _connects(server: str) -> bool:
    host, _, port = server.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), PROBE.total_seconds()).close()
    except OSError:
        return False
    return True
