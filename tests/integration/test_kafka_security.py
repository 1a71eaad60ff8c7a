"""A service on a broker with TLS and SCRAM, where it may do what it was permitted and no more."""

import logging

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.admin import (
    ACL,
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    ResourcePattern,
    ResourcePatternFilter,
    ResourceType,
)
from kafka.errors import AuthorizationError, KafkaError

from services.kit.bootstrap import all_topics
from services.kit.message import Mode
from services.kit.settings import load_kafka_settings
from services.provision.apply import provision
from services.provision.permits import Action, permits
from tests.integration.builders import a_message, a_reservation, as_sent
from tests.integration.databases import value
from tests.integration.strict_broker import SECRET, strict_broker
from tests.integration.waiting import eventually

USERS = {"inventory": "shop-inventory"}
PATIENCE_MS = 10_000
WHO = f"User:{USERS['inventory']}"
FOREIGN = ResourcePattern(ResourceType.TOPIC, "payments.commands")
NOT_DUE = ACL(WHO, "*", ACLOperation.READ, ACLPermissionType.ALLOW, FOREIGN)
OTHERS = (
    ACL(WHO, "*", ACLOperation.WRITE, ACLPermissionType.DENY, FOREIGN),
    ACL(WHO, "10.0.0.7", ACLOperation.READ, ACLPermissionType.ALLOW, FOREIGN),
    ACL(
        WHO,
        "*",
        ACLOperation.READ,
        ACLPermissionType.ALLOW,
        ResourcePattern(ResourceType.TOPIC, "billing.events"),
    ),
)
EVERYTHING = ResourcePatternFilter(ResourceType.ANY, None, ACLResourcePatternType.ANY)


@pytest.fixture(scope="module")
def broker(infra, tmp_path_factory):
    with strict_broker(tmp_path_factory.mktemp("strict"), list(USERS.values())) as broker:
        yield broker


def held(admin):
    """By inventory's user."""
    theirs = ACLFilter(WHO, None, ACLOperation.ANY, ACLPermissionType.ANY, EVERYTHING)
    return set(admin.describe_acls(theirs)[0])


@pytest.fixture
def client(broker):
    """Options of a Kafka client that is this user."""
    return lambda user: load_kafka_settings(broker.environment(user)).clients()


@pytest.fixture(scope="module")
def provisioned(broker):
    """Twice, as by an upgrade, with a permit in between that nobody is due, and others that are
    none of the job's business."""
    settings = load_kafka_settings(broker.environment("admin"))
    users = {one.service: USERS.get(one.service, one.service) for one in permits()}
    provision(settings, users)
    admin = KafkaAdminClient(**settings.clients())
    assert admin.create_acls([NOT_DUE, *OTHERS])["failed"] == []
    eventually(lambda: {NOT_DUE, *OTHERS} <= held(admin), "the broker knows of the permits")
    provision(settings, users)
    eventually(lambda: NOT_DUE not in held(admin), "one is taken away")
    yield admin
    admin.close()


def test_a_service_does_its_work_as_its_own_user(
    provisioned, broker, client, make_service, database_url
):
    given = broker.environment(USERS["inventory"])
    words = {name.removeprefix("BANDSTAND_").lower(): text for name, text in given.items()}
    make_service("inventory", **words).start()
    message = a_message(a_reservation(), Mode.ORCHESTRATION)
    key, body, headers = as_sent(message)
    producer = KafkaProducer(**client("admin"))
    producer.send(message.topic, body, key=key.encode(), headers=headers).get(timeout=60)
    producer.close()
    eventually(lambda: value(database_url, "SELECT count(*) FROM inventory.moves") == 1)
    eventually(lambda: value(database_url, "SELECT count(*) FROM inventory.outbox") == 0, "told")


def test_what_is_made_is_all_topics_with_the_brokers_default_of_replicas(provisioned):
    assert set(all_topics()) <= set(provisioned.list_topics())


def test_a_user_sees_what_it_is_permitted_and_not_what_it_was_once(provisioned, client):
    admin = KafkaAdminClient(**client(USERS["inventory"]))
    own = {
        one.name
        for one in permits()
        if one.service == "inventory" and one.action is not Action.JOIN
    }
    assert set(admin.list_topics()) == own
    admin.close()


def test_what_somebody_else_gave_or_denied_is_left_alone(provisioned):
    assert set(OTHERS) <= held(provisioned)


def test_a_user_cannot_write_to_another_ones_topic(provisioned, client):
    producer = KafkaProducer(**client(USERS["inventory"]), max_block_ms=5_000)
    with pytest.raises(AuthorizationError):
        producer.send("payments.commands", b"pay me").get(timeout=60)
    producer.close()


def test_a_user_cannot_read_in_another_ones_name(provisioned, client):
    mine = KafkaConsumer("inventory.commands", **client(USERS["inventory"]), group_id="payment")
    with pytest.raises(AuthorizationError):
        mine.poll(timeout_ms=PATIENCE_MS)
    mine.close(autocommit=False)


@pytest.mark.parametrize(
    "changes",
    [
        {"sasl_plain_password": "guess"},
        {"security_protocol": "SASL_PLAINTEXT"},
        {"security_protocol": "PLAINTEXT"},
        {"ssl_context": None},
    ],
    ids=["wrong password", "no TLS", "nothing at all", "another authority"],
)
def test_nobody_else_is_let_in(broker, client, changes, caplog):
    caplog.set_level(logging.CRITICAL, "kafka")
    with pytest.raises(KafkaError):
        KafkaAdminClient(**{**client("admin"), **changes, "bootstrap_timeout_ms": 1_500})
    assert SECRET not in caplog.text
