"""What a release consists of, read from its objects: the chart's naming is known to nobody here.

Its Deployments say by which Secrets and settings the services live, so the lab lives by the same.
"""

import base64
from collections.abc import Mapping
from typing import Any

import msgspec

from lab.cluster.kubectl import Kubectl, UnknownError
from lab.errors import MissingError, NoStackError
from services.kit.bootstrap import SERVICES

CHART = "bandstand"
COMPONENT = "app.kubernetes.io/component"
HEADLESS = "None"
CA_VOLUME = "kafka-ca"

Object = Mapping[str, Any]


class Reference(msgspec.Struct, frozen=True):
    """A key of a Secret."""

    name: str
    key: str


class Release(msgspec.Struct, frozen=True):
    """`addresses` are Services by component; `settings` and `secrets` the order service's
    environment, by variable."""

    name: str
    addresses: dict[str, str]
    settings: dict[str, str]
    secrets: dict[str, Reference]
    kafka_ca: str | None = None

    def address(self, component: str) -> str | None:
        return self.addresses.get(component)

    def has(self, component: str) -> bool:
        return component in self.addresses


def find_release(kubectl: Kubectl, name: str) -> Release:
    chosen = f"app.kubernetes.io/name={CHART},app.kubernetes.io/instance={name}"
    items = kubectl.get("deployments,services", f"--selector={chosen}")["items"]
    release = read_release(name, items)
    if release is None:
        raise NoStackError(
            f"no release {name!r} of the chart in namespace {kubectl.namespace!r};"
            " see --namespace and --release, and `helm list --all-namespaces`"
        )
    return release


def read_release(name: str, items: list[Object]) -> Release | None:
    """None if the services are not among these objects."""
    by_component = {_component(item): item for item in items if item["kind"] == "Deployment"}
    if not by_component.keys() >= set(SERVICES):
        return None
    pod = by_component["order"]["spec"]["template"]["spec"]
    (container,) = (each for each in pod["containers"] if each["name"] == "order")
    settings, secrets = _environment(container["env"])
    authorities = [each for each in pod.get("volumes", ()) if each["name"] == CA_VOLUME]
    return Release(
        name,
        {_component(item): item["metadata"]["name"] for item in items if _is_address(item)},
        settings,
        secrets,
        authorities[0]["secret"]["secretName"] if authorities else None,
    )


def read_secret(kubectl: Kubectl, name: str) -> dict[str, str]:
    try:
        found = kubectl.get("secret", name)
    except UnknownError as error:
        raise MissingError(f"the release's Secret {name!r} is not there") from error
    return {key: base64.b64decode(value).decode() for key, value in found.get("data", {}).items()}


def _component(item: Object) -> str:
    return str(item["metadata"].get("labels", {}).get(COMPONENT, ""))


def _is_address(item: Object) -> bool:
    return bool(item["kind"] == "Service" and item["spec"].get("clusterIP") != HEADLESS)


def _environment(env: list[Object]) -> tuple[dict[str, str], dict[str, Reference]]:
    settings = {each["name"]: str(each["value"]) for each in env if "value" in each}
    references = {
        each["name"]: each["valueFrom"]["secretKeyRef"]
        for each in env
        if "secretKeyRef" in each.get("valueFrom", {})
    }
    return settings, msgspec.convert(references, dict[str, Reference])
