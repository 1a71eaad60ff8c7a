"""Every edge that is needed is open, and no other: in no cluster of the tests is that enforced."""

from __future__ import annotations

import pytest

from services.kit.bootstrap import EVERY_SERVICE
from tests.unit.network import Edge, Network
from tests.unit.rendering import PROFILES, template

KUBERNETES = {443, 6443, 8443}
DNS = 53
NEEDED = {
    *(Edge(service, "kafka", 9092) for service in EVERY_SERVICE),
    *(Edge(service, "postgres", 5432) for service in EVERY_SERVICE),
    *(Edge(service, "collector", 4318) for service in EVERY_SERVICE),
    *(Edge("prometheus", service, 8080) for service in EVERY_SERVICE),
    *(Edge("operator", service, 8080) for service in EVERY_SERVICE),
    *(Edge("test", service, 8080) for service in EVERY_SERVICE),
    Edge("kafka-provision", "kafka", 9092),
    Edge("collector", "jaeger", 4318),
    Edge("prometheus", "collector", 8888),
    Edge("prometheus", "collector", 8889),
    Edge("prometheus", "jaeger", 8888),
    Edge("prometheus", "operator", 8080),
    Edge("operator", "prometheus", 9090),
    Edge("grafana", "prometheus", 9090),
    Edge("grafana", "jaeger", 16686),
    Edge("operator", "operator", 8443),  # the API server asks it, by an address that nobody knows
}
STRAIGHT_TO_JAEGER = {Edge(service, "jaeger", 4318) for service in EVERY_SERVICE}
NO_COLLECTOR = "--set=collector.enabled=false"
PARTS = {
    "default": (),
    "kind": PROFILES["kind"],
    "no collector": (NO_COLLECTOR,),
    "no Prometheus": ("--set=prometheus.enabled=false,grafana.enabled=false",),
    "scaled by lag": ("--set=autoscaling.by=lag",),
    "production": PROFILES["production"],
    "production to Jaeger": (*PROFILES["production"], NO_COLLECTOR, "--set=jaeger.enabled=true"),
}


@pytest.mark.parametrize("parts", PARTS)
def test_whoever_needs_somebody_gets_through_and_nobody_else_does(parts: str) -> None:
    network = Network(template(*PARTS[parts]))
    among = {*NEEDED, *(STRAIGHT_TO_JAEGER if "collector" not in network.pods else ())}
    there = {each for each in among if {each.sender, each.receiver} <= network.pods.keys()}
    assert network.edges() == there


def test_nobody_leaves_but_the_operator_and_everybody_asks_for_names() -> None:
    network = Network(template())
    left = {pod: network.exits(pod) - {DNS} for pod in network.pods}
    assert {pod: ports for pod, ports in left.items() if ports} == {"operator": KUBERNETES}
    for protocol in ("UDP", "TCP"):
        assert all(DNS in network.exits(pod, protocol) for pod in network.pods)


def test_in_production_each_leaves_for_what_is_yours() -> None:
    network = Network(template(*PROFILES["production"]))
    left = {pod: network.exits(pod) - {DNS} for pod in network.pods}
    assert {pod: ports for pod, ports in left.items() if ports} == {
        **{service: {9093, 5432} for service in EVERY_SERVICE},
        "kafka-provision": {9093},
        "collector": {4318},
        "operator": KUBERNETES | {9090},
    }
