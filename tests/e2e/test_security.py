"""Who has no business here gets nowhere, and who has one gets no further.

Credentials have to hold by themselves: not every cluster enforces network policies.
"""

import json
import uuid
from pathlib import Path

import psycopg
import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.admin import (
    ACL,
    ACLOperation,
    ACLPermissionType,
    NewTopic,
    ResourcePattern,
    ResourceType,
)
from kafka.errors import (
    AuthorizationError,
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    TopicAuthorizationFailedError,
)
from psycopg.errors import ConnectionTimeout, InsufficientPrivilege

from lab.stack.ports import LOOPBACK
from services.kit.bootstrap import SERVICES
from services.provision.permits import Action, permits
from tests.doors import doors
from tests.e2e.cluster import image_from_environment, run
from tests.integration.waiting import eventually

STRANGER = Path(__file__).with_name("stranger.py").read_text()
FOREIGN = "payments.commands"


@pytest.fixture
def elsewhere(release):
    namespace = f"{release.namespace}-elsewhere"
    run("kubectl", "create", "namespace", namespace)
    yield lambda *arguments: run("kubectl", "--namespace", namespace, *arguments)
    run("kubectl", "delete", "namespace", namespace, "--timeout=120s", check=False)


def test_a_pod_of_another_namespace_gets_nowhere(release, elsewhere):
    asked = {
        "kafka": f"{release.name}-kafka.{release.namespace}:9092",
        "postgres": f"{release.name}-postgres.{release.namespace}/bandstand",
        "health": f"{url_of(release, 'order')}/healthz",
        "doors": guarded(release),
        "password": release.secret("kafka-accounts")["order.password"],
    }
    elsewhere(
        *("run", "stranger", f"--image={image_from_environment()}", "--restart=Never"),
        *(f"--env=ASKED={json.dumps(asked)}", "--command", "--", "python3", "-c", STRANGER),
    )
    elsewhere("wait", "pod/stranger", "--for=jsonpath={.status.phase}=Succeeded", "--timeout=300s")
    found = json.loads(elsewhere("logs", "stranger"))
    assert found["with_a_password"] is found["reached"], "a network policy stops all or nothing"
    assert not any([*found["kafka"], *found["postgres"]])
    assert set(found["without_token"]) == {401 if found["reached"] else None}
    assert set(found["with_another"]) == {403 if found["reached"] else None}


@pytest.fixture
def notification(target, release):
    """Options for a Kafka client that is the notification service."""
    access = target.kafka()
    password = release.secret("kafka-accounts")["notification.password"]
    who = {"sasl_plain_username": "notification", "sasl_plain_password": password}
    return {**access.options, **who, "bootstrap_servers": access.bootstrap}


@pytest.fixture
def admin(notification):
    admin = KafkaAdminClient(**notification)
    yield admin
    admin.close()


def test_a_service_sees_its_own_topics_alone(admin):
    own = {one.name for one in permits() if one.service == "notification"}
    joined = {one.name for one in permits() if one.action is Action.JOIN}
    assert set(admin.list_topics()) == own - joined


def test_a_service_cannot_write_to_another_ones_topic(notification):
    producer = KafkaProducer(**notification, max_block_ms=60_000)
    try:
        with pytest.raises(AuthorizationError):
            producer.send(FOREIGN, b"pay me").get(timeout=60)
    finally:
        producer.close()


def test_a_service_cannot_read_in_another_ones_name(notification):
    consumer = KafkaConsumer("orders.choreography.events", **notification, group_id="payment")
    try:
        with pytest.raises(GroupAuthorizationFailedError):
            consumer.poll(timeout_ms=60_000)
    finally:
        consumer.close(autocommit=False)


def test_a_service_can_neither_make_topics_nor_permit_itself_more(admin):
    with pytest.raises(TopicAuthorizationFailedError):
        admin.create_topics([NewTopic(f"own-{uuid.uuid4().hex}", 1, 1)])
    more = ACL(
        "User:notification",
        "*",
        ACLOperation.READ,
        ACLPermissionType.ALLOW,
        ResourcePattern(ResourceType.TOPIC, FOREIGN),
    )
    result = admin.create_acls([more])
    assert (result["succeeded"], result["failed"]) == ([], [ClusterAuthorizationFailedError])


@pytest.fixture(scope="module")
def postgres(release):
    with release.tunnel("postgres", 5432) as tunnel:
        yield tunnel


@pytest.fixture(scope="module", params=SERVICES)
def role(request, release, postgres):
    """A service, and what it can do in the database."""
    password = release.secret("database")[f"{request.param}.password"]
    who = {"user": request.param, "password": password, "dbname": "bandstand"}

    def connected():
        try:
            return psycopg.connect(
                host=LOOPBACK, port=postgres.local, autocommit=True, connect_timeout=5, **who
            )
        except psycopg.OperationalError as error:
            if isinstance(error, ConnectionTimeout):
                postgres.renew()
            return None

    with eventually(connected, "a connection") as connection:
        yield request.param, connection


def test_a_service_reads_and_writes_no_schema_but_its_own(role):
    service, connection = role
    doors = ('SELECT FROM "{}".outbox', 'CREATE TABLE "{}".guest ()', 'DROP TABLE "{}".outbox')
    owned = "SELECT pg_get_userbyid(nspowner), nspname FROM pg_namespace"
    schemas = {owner: name for owner, name in connection.execute(owned) if owner in SERVICES}
    assert schemas.keys() == set(SERVICES)
    connection.execute(doors[0].format(schemas.pop(service)))
    for other in schemas.values():
        for door in doors:
            with pytest.raises(InsufficientPrivilege):
                connection.execute(door.format(other))


@pytest.mark.parametrize(
    "more", ["CREATE ROLE more LOGIN", "SET ROLE bandstand", "CREATE DATABASE more"]
)
def test_a_service_is_nobody_else_in_the_database(role, more):
    _, connection = role
    with pytest.raises(InsufficientPrivilege):
        connection.execute(more)


def url_of(release, service):
    return f"http://{release.name}-{service}.{release.namespace}:8080"


def guarded(release):
    """Every door of every service that only the token opens."""
    return [
        (door.method, url_of(release, service) + door.path.replace("{sku}", "guitar"))
        for service in SERVICES
        for door in doors(service)
        if door.guarded
    ]
