"""Who reaches whom, as a network plugin concludes it from NetworkPolicies, within one namespace.
Peers in other namespaces are nobody here."""

from __future__ import annotations

from typing import NamedTuple

from tests.unit.rendering import PODS, Manifest, of_kind


class Edge(NamedTuple):
    sender: str
    receiver: str
    port: int


class Pod(NamedTuple):
    labels: dict[str, str]
    ports: dict[int, str | None]


class Network:
    """Pods are named by their component."""

    def __init__(self, manifests: list[Manifest]) -> None:
        self.pods = {_component(pod): pod for pod in map(_pod, of_kind(manifests, *PODS))}
        self._policies = [each["spec"] for each in of_kind(manifests, "NetworkPolicy")]

    def edges(self) -> set[Edge]:
        """Between pods of the release, to the ports that they declare."""
        return {
            Edge(sender, receiver, port)
            for sender in self.pods
            for receiver, pod in self.pods.items()
            for port in pod.ports
            if self._leaves(sender, receiver, port) and self._enters(sender, receiver, port)
        }

    def exits(self, sender: str, protocol: str = "TCP") -> set[int]:
        """The ports by which a pod reaches anybody anywhere."""
        rules = self._rules("Egress", self.pods[sender])
        assert rules is not None, f"{sender} may reach everybody"
        return {
            each["port"]
            for rule in rules
            if "to" not in rule
            for each in rule["ports"]
            if _speaks(each, protocol)
        }

    def _leaves(self, sender: str, receiver: str, port: int) -> bool:
        rules = self._rules("Egress", self.pods[sender])
        return _open(rules, "to", self.pods[receiver], self.pods[receiver], port)

    def _enters(self, sender: str, receiver: str, port: int) -> bool:
        rules = self._rules("Ingress", self.pods[receiver])
        return _open(rules, "from", self.pods[sender], self.pods[receiver], port)

    def _rules(self, direction: str, pod: Pod) -> list[Manifest] | None:
        """None if no policy is about it: then everything is open."""
        about = [
            policy
            for policy in self._policies
            if direction in policy["policyTypes"] and _selects(policy["podSelector"], pod)
        ]
        rules = [rule for policy in about for rule in policy.get(direction.lower(), [])]
        return rules if about else None


def _open(rules: list[Manifest] | None, side: str, peer: Pod, receiver: Pod, port: int) -> bool:
    if rules is None:
        return True
    return any(_has_peer(rule, side, peer) and _has_port(rule, receiver, port) for rule in rules)


def _has_peer(rule: Manifest, side: str, pod: Pod) -> bool:
    if side not in rule:
        return True
    near = [each for each in rule[side] if each.keys() == {"podSelector"}]
    return any(_selects(each["podSelector"], pod) for each in near)


def _has_port(rule: Manifest, receiver: Pod, port: int) -> bool:
    names = (port, receiver.ports[port])
    return "ports" not in rule or any(
        each["port"] in names for each in rule["ports"] if _speaks(each, "TCP")
    )


def _speaks(port: Manifest, protocol: str) -> bool:
    assert port.keys() <= {"port", "protocol"}, f"nobody here understands {port}"
    return bool(port.get("protocol", "TCP") == protocol)


def _selects(selector: Manifest, pod: Pod) -> bool:
    wanted = selector.get("matchLabels", {})
    among = selector.get("matchExpressions", [])
    assert {each["operator"] for each in among} <= {"In"}
    return wanted.items() <= pod.labels.items() and all(
        pod.labels.get(each["key"]) in each["values"] for each in among
    )


def _pod(manifest: Manifest) -> Pod:
    template = manifest if manifest["kind"] == "Pod" else manifest["spec"]["template"]
    declared = [
        port for container in template["spec"]["containers"] for port in container.get("ports", [])
    ]
    ports = {port["containerPort"]: port.get("name") for port in declared}
    return Pod(template["metadata"]["labels"], ports)


def _component(pod: Pod) -> str:
    return pod.labels["app.kubernetes.io/component"]
