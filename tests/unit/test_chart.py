"""The services of the chart, their broker and their database, as Helm renders them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from coordination_operator import admission
from coordination_operator import settings as operator
from services.kit.bootstrap import EVERY_SERVICE, SERVICES
from services.kit.settings import PREFIX, Settings
from tests.unit.rendering import (
    CHART,
    PROFILES,
    Manifest,
    containers,
    helm,
    of_kind,
    pods,
    template,
)

SECRETS = {
    "BANDSTAND_TOKEN",
    "BANDSTAND_DATABASE_URL",
    "BANDSTAND_KAFKA_PASSWORD",
    "BANDSTAND_OPERATOR_TOKEN",
    "GF_SECURITY_ADMIN_PASSWORD",
}


@pytest.fixture(params=PROFILES)
def manifests(request: pytest.FixtureRequest) -> list[Manifest]:
    return template(*PROFILES[request.param])


def test_helm_finds_nothing_to_complain_about() -> None:
    done = helm("lint", "--strict", str(CHART))
    assert done.returncode == 0, done.stdout


def test_every_service_has_its_own_deployment_account_and_address(
    manifests: list[Manifest],
) -> None:
    for kind in ("Deployment", "Service", "ServiceAccount"):
        names = {manifest["metadata"]["name"] for manifest in of_kind(manifests, kind)}
        assert {f"band-bandstand-{service}" for service in EVERY_SERVICE} <= names


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


def test_no_pod_but_the_operator_can_ask_the_api_server(manifests: list[Manifest]) -> None:
    asking = [pod for pod in pods(manifests) if pod["automountServiceAccountToken"]]
    assert [pod["containers"][0]["name"] for pod in asking] == ["operator"]
    accounts = of_kind(manifests, "ServiceAccount")
    assert all(account["automountServiceAccountToken"] is False for account in accounts)
    assert of_kind(manifests, "ClusterRole", "ClusterRoleBinding") == []
    assert len(of_kind(manifests, "Role", "RoleBinding")) == 2


def test_every_image_has_a_tag_that_stays(manifests: list[Manifest]) -> None:
    for pod in pods(manifests):
        for container in containers(pod):
            _, _, tag = container["image"].rpartition(":")
            assert tag not in ("", "latest")
            assert "/" not in tag


def test_no_password_is_written_into_a_pod(manifests: list[Manifest]) -> None:
    for pod in pods(manifests):
        for container in containers(pod):
            for variable in container.get("env", []):
                if variable["name"] in SECRETS:
                    assert "secretKeyRef" in variable["valueFrom"]


def test_services_get_only_settings_that_they_know(manifests: list[Manifest]) -> None:
    known = {f"{PREFIX}{name.upper()}" for name in Settings.__struct_fields__}
    known |= {f"{operator.PREFIX}{name.upper()}" for name in operator.Settings.__struct_fields__}
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
        open_to_all = [rule for rule in policy["spec"].get("ingress", []) if "from" not in rule]
        if policy["metadata"]["name"] == "band-bandstand-operator-admission":
            assert open_to_all == [{"ports": [{"port": "admission"}]}]
        else:
            assert open_to_all == []


def test_a_drain_waits_for_whoever_takes_part_and_for_nobody_who_only_watches() -> None:
    (asked,) = (
        each["value"]
        for pod in pods(template())
        for container in containers(pod)
        for each in container.get("env", [])
        if each["name"] == "BANDSTAND_OPERATOR_SERVICES"
    )
    assert {each.split("=")[0] for each in asked.split(",")} == set(SERVICES)


def test_replicas_are_protected_and_single_pods_can_be_drained() -> None:
    names = {one["metadata"]["name"] for one in of_kind(template(), "PodDisruptionBudget")}
    assert names == set()
    for given in (PROFILES["production"], ("--set=autoscaling.by=cpu",)):
        assert len(of_kind(template(*given), "PodDisruptionBudget")) == len(SERVICES)


def test_production_brings_no_broker_no_database_and_no_password() -> None:
    found = of_kind(template(*PROFILES["production"]), "StatefulSet", "Secret")
    assert [each.get("type") for each in found] == ["kubernetes.io/tls"]


def test_the_api_server_trusts_whom_the_operator_shows_itself_as() -> None:
    manifests = template()
    (secret,) = (each for each in manifests if each.get("type") == "kubernetes.io/tls")
    (asking,) = of_kind(manifests, "ValidatingWebhookConfiguration")
    (webhook,) = asking["webhooks"]
    client = webhook["clientConfig"]
    assert client["caBundle"] == secret["data"]["ca.crt"]
    (service,) = (
        each
        for each in of_kind(manifests, "Service")
        if each["metadata"]["name"] == client["service"]["name"]
    )
    assert service["spec"]["ports"][0]["targetPort"] == "admission"
    assert client["service"]["path"] == admission.PATH
    (operator_pod,) = (pod for pod in pods(manifests) if pod["containers"][0]["name"] == "operator")
    mounted = [each.get("secret", {}).get("secretName") for each in operator_pod["volumes"]]
    assert secret["metadata"]["name"] in mounted


def test_a_certificate_of_somebody_elses_is_taken_and_none_is_made() -> None:
    given = "--set=operator.admission.existingSecret=theirs"
    injected = r"--set=operator.admission.annotations.cert-manager\.io/inject-ca-from=shop/theirs"
    manifests = template(given, injected)
    assert not [each for each in manifests if each.get("type") == "kubernetes.io/tls"]
    (asking,) = of_kind(manifests, "ValidatingWebhookConfiguration")
    assert "caBundle" not in asking["webhooks"][0]["clientConfig"]
    assert asking["metadata"]["annotations"] == {"cert-manager.io/inject-ca-from": "shop/theirs"}
    (volumes,) = (
        pod["volumes"] for pod in pods(manifests) if pod["containers"][0]["name"] == "operator"
    )
    assert "theirs" in [each.get("secret", {}).get("secretName") for each in volumes]


def test_without_admission_nothing_of_it_is_there() -> None:
    manifests = template("--set=operator.admission.enabled=false")
    assert of_kind(manifests, "ValidatingWebhookConfiguration") == []
    assert "admission" not in str(of_kind(manifests, "Deployment", "Service", "Secret"))


@pytest.mark.parametrize(
    ("size", "megabytes"),
    [("1Gi", 256), ("1.5Gi", 384), ("100Gi", 1024), ("2000M", 476), ("64Mi", 32)],
)
def test_the_write_ahead_log_leaves_room_for_the_books(size: str, megabytes: int) -> None:
    """By default it takes up to a gibibyte: all of the claim on kind."""
    (postgres,) = (
        container
        for pod in pods(template(f"--set=postgres.storage.size={size}"))
        for container in pod["containers"]
        if container["name"] == "postgres"
    )
    assert f"max_wal_size={megabytes}MB" in postgres["args"]


@pytest.mark.parametrize(
    ("value", "rendered"),
    [
        ("settings.initialStock", 'BANDSTAND_INITIAL_STOCK", "value": "12000000"'),
        ("autoscaling.lag", '"lagThreshold": "12000000"'),
        ("jaeger.maxTraces", '"MAX_TRACES", "value": "12000000"'),
        ("postgres.maxConnections", '"max_connections=12000000"'),
    ],
)
def test_a_large_number_stays_a_number(value: str, rendered: str) -> None:
    manifests = template(f"--set-json={value}=12000000", "--set=autoscaling.by=lag")
    assert rendered in json.dumps(manifests)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ("services.order.replicas=-1", "replicas"),
        ("services.order.replica=2", "replica"),
        ("services.cellar.replicas=1", "cellar"),
        ("image.tag=latest", "tag"),
        ("postgres.image.tag=", "postgres"),
        ("kafka.external=nohost", "external"),
        ("kafka.topicsPercent=95", "topicsPercent"),
        ("kafka.access.security=SASL_SSL", "passwordSecret"),
        ("kafka.access.mechanism=GSSAPI", "mechanism"),
        ("settings.replication=-2", "replication"),
        ("tracing.endpoint=http://collector", "endpoint"),
        ("collector.keptPercent=101", "keptPercent"),
        ("collector.decisionWait=2d", "decisionWait"),
        ("settings.traceLinkOnly=true", "collector.keptPercent=100"),
        ("settings.trackerPatienceSeconds=0", "trackerPatienceSeconds"),
        ("jaeger.enabled=false", "collector.endpoint"),
        (
            "operator.enabled=false,operator.coordination.create=true",
            "operator.coordination.create",
        ),
        ("prometheus.retention=long", "retention"),
        ("prometheus.enabled=false", "grafana.enabled"),
        ("autoscaling.by=moon", "by"),
        ("monitoring.rules.enabled=true", "rules"),
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


def test_the_longest_name_of_a_release_fits_every_object_and_a_longer_one_is_refused() -> None:
    longest = "r" * (38 - len("-bandstand"))
    done = helm("template", longest, str(CHART), "--set=operator.replicas=2")
    assert done.returncode == 0, done.stderr
    for manifest in yaml.safe_load_all(done.stdout):
        if manifest and manifest["kind"] in ("Service", "Job"):
            assert len(manifest["metadata"]["name"]) <= 63
        elif manifest and manifest["kind"] == "StatefulSet":
            assert len(manifest["metadata"]["name"]) <= 63 - len("-0123456789")  # its revision
    refused = helm("template", f"{longest}r", str(CHART))
    assert "the release's name is too long" in refused.stderr


@pytest.mark.parametrize(
    ("url", "port"),
    [
        ("http://prometheus.monitoring:9090", 9090),
        ("https://metrics.example.com/prom", 443),
        ("http://metrics.example.com", 80),
    ],
)
def test_the_operator_may_reach_a_prometheus_of_yours_and_the_api_server(
    url: str, port: int
) -> None:
    manifests = template(f"--set=operator.prometheusUrl={url}")
    (allowed,) = (
        each["spec"]["egress"]
        for each in of_kind(manifests, "NetworkPolicy")
        if each["metadata"]["name"] == "band-bandstand-operator-to-kubernetes"
    )
    ports = [[each["port"] for each in rule["ports"]] for rule in allowed]
    assert ports == [[443, 6443, 8443], [port]]
