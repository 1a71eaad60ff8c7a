"""Who may do what on a broker that asks."""

import pytest

from services.kit.bootstrap import EVERY_SERVICE, SERVICES, all_topics
from services.kit.broker import ACKNOWLEDGEMENTS, POLICIES
from services.kit.kafka_security import Security
from services.kit.message import Mode, topic_of
from services.kit.settings import SettingsError, load_kafka_settings, load_settings
from services.messages import StepHeld
from services.policy.steps import PARTICIPANTS, POINTS
from services.provision.__main__ import users_in
from services.provision.permits import Action, Permit, permits

KAFKA = {"BANDSTAND_KAFKA": "a:1"}
SASL = {**KAFKA, "BANDSTAND_KAFKA_SECURITY": "SASL_PLAINTEXT"}


def names(service, action):
    return {one.name for one in permits() if (one.service, one.action) == (service, action)}


def test_each_topic_has_one_writer():
    """But those on which every policy enforcement point tells what it does."""
    for topic in all_topics():
        writers = {one.service for one in permits() if one[1:] == (Action.WRITE, topic)}
        if topic == ACKNOWLEDGEMENTS:
            assert writers == set(POINTS)
        elif topic == topic_of(StepHeld, Mode.CHOREOGRAPHY):
            assert writers == set(PARTICIPANTS)
        else:
            assert len(writers) == 1, topic


def test_nobody_reads_dead_letters_but_their_owner_the_lab():
    assert not [one for one in permits() if one.action is Action.READ and "dead" in one.name]


def test_the_orchestrator_hears_its_own_sagas_alone():
    heard = names("orchestrator", Action.READ)
    assert heard
    assert all(f".{Mode.ORCHESTRATION}." in topic for topic in heard - {POLICIES})


@pytest.mark.parametrize("service", SERVICES)
def test_a_participant_takes_commands_and_gives_none(service):
    if service != "orchestrator":
        assert sum(topic.endswith(".commands") for topic in names(service, Action.READ)) == 1
        assert not any(topic.endswith(".commands") for topic in names(service, Action.WRITE))


@pytest.mark.parametrize("service", EVERY_SERVICE)
def test_nobody_can_join_the_group_of_another(service):
    joined = {
        one.service
        for one in permits()
        if one.action is Action.JOIN and service.startswith(one.name)
    }
    assert joined == {service}


def test_what_is_to_be_read_is_permitted_last():
    """A service begins when it sees what it reads; it has to be able to do all the rest then."""
    actions = [permit.action for permit in permits()]
    assert actions == sorted(actions, key=list(Action).index)
    assert len(set(permits())) == len(permits())
    assert Permit("order", Action.JOIN, "order") in permits()


def test_users_are_called_like_services_unless_they_are_not():
    users = users_in({"BANDSTAND_USER_OF_ORDER": "shop", "BANDSTAND_USER_OF_PAYMENT": ""})
    assert (users["order"], users["payment"]) == ("shop", "payment")
    assert users.keys() == set(EVERY_SERVICE)


def test_without_any_settings_a_client_says_nothing_of_itself():
    assert load_kafka_settings(KAFKA).clients() == {
        "bootstrap_servers": ["a:1"],
        "security_protocol": "PLAINTEXT",
    }


def test_a_client_says_who_it_is():
    given = {**SASL, "BANDSTAND_KAFKA_USER": "order", "BANDSTAND_KAFKA_PASSWORD": "secret"}
    clients = load_kafka_settings(given).clients()
    assert clients["sasl_mechanism"] == "SCRAM-SHA-512"
    assert (clients["sasl_plain_username"], clients["sasl_plain_password"]) == ("order", "secret")
    assert "ssl_context" not in clients


def test_tls_checks_the_broker():
    context = Security("SSL").options()["ssl_context"]
    assert context.check_hostname
    assert "sasl_mechanism" not in Security("SSL").options()


@pytest.mark.parametrize(
    ("given", "named"),
    [
        (SASL, "BANDSTAND_KAFKA_PASSWORD"),
        ({**KAFKA, "BANDSTAND_KAFKA_SECURITY": "TLS"}, "kafka_security"),
        ({**KAFKA, "BANDSTAND_KAFKA_MECHANISM": "GSSAPI"}, "kafka_mechanism"),
        ({**KAFKA, "BANDSTAND_KAFKA_CA": "/nowhere.crt"}, "/nowhere.crt"),
        ({**KAFKA, "BANDSTAND_REPLICATION": "-2"}, "replication"),
    ],
)
def test_a_mistake_is_named(given, named):
    with pytest.raises(SettingsError, match=named):
        load_settings({"BANDSTAND_DATABASE_URL": "x", **given})
