"""The chart as Helm renders it: no cluster, but `helm` (HELM names another one)."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.kit.bootstrap import SERVICES
from services.kit.settings import PREFIX, Settings

ROOT = Path(__file__).parents[2]
CHART = ROOT / "charts" / "bandstand"
PROFILES: dict[str, tuple[str, ...]] = {
    "default": (),
    "kind": (f"--values={CHART / 'values-kind.yaml'}",),
    "production": (f"--values={CHART / 'values-production.yaml'}",),
    "sync": ("--set=sync.enabled=true", "--set=tracing.endpoint=http://collector:4318"),
}
PODS = {"Deployment", "StatefulSet", "Pod"}
Manifest = dict[str, Any]


def helm(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Where CI says that Helm must be there, its absence is a failure and not a skipped test."""
    program = os.environ.get("HELM") or shutil.which("helm")
    if program is None:
        assert not os.environ.get("BANDSTAND_REQUIRE_HELM"), "helm is not on the PATH"
        pytest.skip("helm is not on the PATH")
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=False)


def template(*arguments: str) -> list[Manifest]:
    done = helm("template", "band", str(CHART), *arguments)
    assert done.returncode == 0, done.stderr
    return [manifest for manifest in yaml.safe_load_all(done.stdout) if manifest]


@pytest.fixture(params=PROFILES)
def manifests(request: pytest.FixtureRequest) -> list[Manifest]:
    return template(*PROFILES[request.param])


def of_kind(manifests: list[Manifest], *kinds: str) -> list[Manifest]:
    return [manifest for manifest in manifests if manifest["kind"] in kinds]


def pods(manifests: list[Manifest]) -> Iterator[Manifest]:
    for manifest in of_kind(manifests, *PODS):
        spec = manifest["spec"]
        yield spec if manifest["kind"] == "Pod" else spec["template"]["spec"]


def containers(pod: Manifest) -> list[Manifest]:
    return [*pod.get("initContainers", []), *pod["containers"]]


def test_helm_finds_nothing_to_complain_about() -> None:
    done = helm("lint", "--strict", str(CHART))
    assert done.returncode == 0, done.stdout


def test_every_service_has_its_own_deployment_account_and_address(
    manifests: list[Manifest],
) -> None:
    for kind in ("Deployment", "Service", "ServiceAccount"):
        names = {manifest["metadata"]["name"] for manifest in of_kind(manifests, kind)}
        assert {f"band-bandstand-{service}" for service in SERVICES} <= names


def test_every_pod_satisfies_the_restricted_profile(manifests: list[Manifest]) -> None:
    for pod in pods(manifests):
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] > 0
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not pod.keys() & {"hostNetwork", "hostPID", "hostIPC"}
        assert not any("hostPath" in volume for volume in pod["volumes"])
        for container in containers(pod):
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }


def test_no_pod_can_ask_the_api_server(manifests: list[Manifest]) -> None:
    assert all(pod["automountServiceAccountToken"] is False for pod in pods(manifests))
    accounts = of_kind(manifests, "ServiceAccount")
    assert all(account["automountServiceAccountToken"] is False for account in accounts)
    assert of_kind(manifests, "Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding") == []


def test_every_image_has_a_tag_that_stays(manifests: list[Manifest]) -> None:
    for pod in pods(manifests):
        for container in containers(pod):
            _, _, tag = container["image"].rpartition(":")
            assert tag not in ("", "latest")
            assert "/" not in tag


def test_every_container_that_stays_is_probed_and_bounded(manifests: list[Manifest]) -> None:
    for manifest in of_kind(manifests, "Deployment", "StatefulSet"):
        for container in manifest["spec"]["template"]["spec"]["containers"]:
            probes = {"startupProbe", "livenessProbe", "readinessProbe"}
            assert probes <= container.keys()
            assert container["resources"]["requests"].keys() == {"cpu", "memory"}
            assert "memory" in container["resources"]["limits"]


def test_no_password_is_written_into_a_pod(manifests: list[Manifest]) -> None:
    for pod in pods(manifests):
        for container in containers(pod):
            for variable in container.get("env", []):
                secret = variable["name"] in ("BANDSTAND_TOKEN", "BANDSTAND_DATABASE_URL")
                assert ("secretKeyRef" in variable.get("valueFrom", {})) == secret


def test_services_get_only_settings_that_they_know(manifests: list[Manifest]) -> None:
    known = {f"{PREFIX}{name.upper()}" for name in Settings.__struct_fields__}
    for deployment in of_kind(manifests, "Deployment"):
        (container,) = deployment["spec"]["template"]["spec"]["containers"]
        given = [variable["name"] for variable in container.get("env", [])]
        assert len(given) == len(set(given))
        assert {name for name in given if name.startswith(PREFIX)} <= known


def test_nobody_is_reached_but_by_a_named_edge(manifests: list[Manifest]) -> None:
    policies = of_kind(manifests, "NetworkPolicy")
    (everybody,) = [
        policy["spec"]
        for policy in policies
        if policy["metadata"]["name"] == "band-bandstand-nobody-but-dns"
    ]
    assert everybody["policyTypes"] == ["Ingress", "Egress"]
    assert "ingress" not in everybody
    for policy in policies:
        assert all(rule["from"] for rule in policy["spec"].get("ingress", []))


def test_replicas_are_protected_and_single_pods_can_be_drained() -> None:
    names = {one["metadata"]["name"] for one in of_kind(template(), "PodDisruptionBudget")}
    assert names == set()
    production = template(*PROFILES["production"])
    assert len(of_kind(production, "PodDisruptionBudget")) == len(SERVICES)


def test_prometheus_finds_the_pods_of_every_service_and_knows_their_names() -> None:
    manifests = template()
    (config,) = [
        yaml.safe_load(manifest["data"]["prometheus.yml"])
        for manifest in of_kind(manifests, "ConfigMap")
        if "prometheus.yml" in manifest["data"]
    ]
    (job,) = config["scrape_configs"]
    (asked,) = job["dns_sd_configs"]
    (named,) = job["relabel_configs"]
    headless = {
        manifest["metadata"]["name"]: manifest["spec"]["selector"]["app.kubernetes.io/component"]
        for manifest in of_kind(manifests, "Service")
        if manifest["spec"].get("clusterIP") == "None"
    }
    found = {name: re.fullmatch(named["regex"], name) for name in asked["names"]}
    assert job["job_name"] == "bandstand"
    assert {name: match and match[1] for name, match in found.items()} == headless
    assert sorted(headless.values()) == sorted(SERVICES)


def test_prometheus_evaluates_the_rules_of_the_repository() -> None:
    (carried,) = [
        manifest["data"]
        for manifest in of_kind(template(), "ConfigMap")
        if manifest["metadata"]["name"].endswith("-prometheus-rules")
    ]
    rules = ROOT / "observability" / "rules"
    assert {name: yaml.safe_load(text) for name, text in carried.items()} == {
        path.name: yaml.safe_load(path.read_text()) for path in rules.glob("*.yml")
    }


def test_a_part_that_is_switched_off_leaves_nothing_behind() -> None:
    left = json.dumps(template("--set=prometheus.enabled=false"))
    assert "prometheus" not in left.replace("prometheus.io", "")


def test_production_brings_no_broker_no_database_and_no_secret() -> None:
    assert of_kind(template(*PROFILES["production"]), "StatefulSet", "Secret") == []


def test_a_large_number_stays_a_number() -> None:
    (value,) = {
        variable["value"]
        for pod in pods(template("--set-json=settings.initialStock=12000000"))
        for container in pod["containers"]
        for variable in container.get("env", [])
        if variable["name"] == "BANDSTAND_INITIAL_STOCK"
    }
    assert value == "12000000"


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ("services.order.replicas=-1", "replicas"),
        ("services.order.replica=2", "replica"),
        ("services.cellar.replicas=1", "cellar"),
        ("image.tag=latest", "tag"),
        ("postgres.image.tag=", "postgres"),
        ("kafka.external=nohost", "external"),
        ("tracing.endpoint=http://collector", "endpoint"),
        ("settings.sessionTimeoutSeconds=1", "sessionTimeoutSeconds"),
        ("settings.logLevel=LOUD", "logLevel"),
        ("networkPolicies.enabled=false", "networkPolicies"),
    ],
)
def test_a_bad_value_is_refused_by_name(given: str, named: str) -> None:
    done = helm("template", "band", str(CHART), f"--set={given}")
    assert done.returncode != 0
    assert named in done.stderr


def test_the_schema_is_closed_wherever_it_lists_names() -> None:
    def open_objects(schema: Any, path: str = "") -> Iterator[str]:
        if isinstance(schema, dict):
            if "properties" in schema and "additionalProperties" not in schema:
                yield path
            for key, value in schema.items():
                yield from open_objects(value, f"{path}/{key}")

    schema = json.loads((CHART / "values.schema.json").read_text())
    assert list(open_objects(schema)) == []
