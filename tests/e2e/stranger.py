"""Goes into a pod that has no business here, and says which doors opened: `python3 -c`, JSON."""

import json
import os
import urllib.error
import urllib.request

import psycopg
from kafka import KafkaAdminClient
from kafka.errors import KafkaError

PATIENCE_MS, LONG_MS = 4_000, 60_000
asked = json.loads(os.environ["ASKED"])


def kafka(patience=PATIENCE_MS, **who):
    try:
        admin = KafkaAdminClient(
            bootstrap_servers=asked["kafka"], bootstrap_timeout_ms=patience, **who
        )
    except KafkaError:
        return False
    admin.close()
    return True


def as_user(user, password, patience=PATIENCE_MS):
    return kafka(
        patience,
        security_protocol="SASL_PLAINTEXT",
        sasl_mechanism="PLAIN",
        sasl_plain_username=user,
        sasl_plain_password=password,
    )


def postgres(who):
    try:
        psycopg.connect(f"postgresql://{who}@{asked['postgres']}", connect_timeout=8).close()
    except psycopg.Error:
        return False
    return True


def answer(method, url, token=None):
    """None: nobody was reached."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    request = urllib.request.Request(url, method=method, headers=headers, data=b"")
    try:
        return urllib.request.urlopen(request, timeout=8).status
    except urllib.error.HTTPError as refusal:
        return refusal.code
    except OSError:
        return None


print(
    json.dumps(
        {
            "reached": answer("GET", asked["health"]) == 200,
            "with_a_password": as_user("order", asked["password"], LONG_MS),
            "kafka": [kafka(), as_user("admin", "admin"), as_user("order", "")],
            "postgres": [postgres("bandstand"), postgres("order:order"), postgres("postgres")],
            "without_token": [answer(*door) for door in asked["doors"]],
            "with_another": [answer(*door, token="guess") for door in asked["doors"]],
        }
    )
)
