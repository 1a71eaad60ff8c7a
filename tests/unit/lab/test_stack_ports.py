"""Free ports, and who gets which."""

import socket

from lab.stack.options import SERVICES, StackOptions
from lab.stack.ports import ANY, Ports, is_free
from lab.stack.services import Environment, plan_instances, programs


def all_free(_port):
    return True


def test_a_port_somebody_listens_on_is_not_free():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert not is_free(port)
    assert is_free(port)


def test_a_preferred_port_is_given_once():
    ports = Ports(free=all_free)
    assert ports.take(18080) == 18080
    assert ports.take(18080) in ANY


def test_a_preferred_port_that_is_taken_is_replaced():
    ports = Ports(free=lambda port: port != 18080)
    assert ports.take(18080) in ANY


def test_random_ports_are_below_those_of_outgoing_connections():
    assert ANY.stop <= 32768


def test_services_have_the_documented_ports_if_they_are_free():
    services = plan_instances(StackOptions(), Ports(free=all_free))
    assert [service.url for service in services.values()] == [
        f"http://127.0.0.1:{18080 + index}" for index in range(len(SERVICES))
    ]


def test_replicas_have_names_and_ports_of_their_own():
    options = StackOptions(replicas={"inventory": 3})
    inventory = plan_instances(options, Ports(free=all_free))["inventory"]
    assert [(each.name, each.port) for each in inventory.instances] == [
        ("inventory-0", 18081),
        ("inventory-1", 18191),
        ("inventory-2", 18192),
    ]
    assert inventory.url == inventory.instances[0].url


def test_a_service_learns_everything_from_its_environment(monkeypatch):
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", "0.5")
    options = StackOptions(services=("order",), service_command=("python", "-m", "services"))
    services = plan_instances(options, Ports(free=all_free))
    environment = Environment("postgresql://db", "127.0.0.1:18092", "secret", seed=7)
    [program] = programs(services, options, environment)
    assert program.command == ["python", "-m", "services", "order"]
    assert program.environment == {
        "BANDSTAND_DATABASE_URL": "postgresql://db",
        "BANDSTAND_KAFKA": "127.0.0.1:18092",
        "BANDSTAND_TOKEN": "secret",
        "BANDSTAND_SEED": "7",
        "BANDSTAND_HOST": "127.0.0.1",
        "BANDSTAND_PORT": "18080",
        "BANDSTAND_INSTANCE": "order-0",
        "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
        "OTEL_TRACES_SAMPLER_ARG": "0.5",
    }
