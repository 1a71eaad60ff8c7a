"""What the chart brings for Grafana, for a Prometheus operator of yours, and for autoscalers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
import yaml

from services.kit.bootstrap import EVERY_SERVICE, SERVICES
from tests.unit.rendering import (
    CHART,
    PROFILES,
    ROOT,
    SCALED,
    WATCHED,
    Manifest,
    of_kind,
    template,
)

BAND = "band-bandstand"
OBSERVABILITY = ROOT / "observability"


def named(manifests: list[Manifest], kind: str, name: str = BAND) -> Manifest:
    (found,) = [one for one in of_kind(manifests, kind) if one["metadata"]["name"] == name]
    return found


def addresses(manifests: list[Manifest]) -> Iterator[str]:
    for service in of_kind(manifests, "Service"):
        for port in service["spec"]["ports"]:
            yield f"http://{service['metadata']['name']}:{port['port']}"


def test_grafana_asks_what_is_in_the_release_and_leads_from_exemplars_to_traces() -> None:
    manifests = template()
    config = named(manifests, "ConfigMap", f"{BAND}-grafana")["data"]["datasources.yaml"]
    sources = {each["uid"]: each for each in yaml.safe_load(config)["datasources"]}
    assert {each["url"] for each in sources.values()} <= set(addresses(manifests))
    (link,) = sources["prometheus"]["jsonData"]["exemplarTraceIdDestinations"]
    assert link["datasourceUid"] in sources


@pytest.mark.parametrize("profile", ["default", "production"])
def test_the_dashboards_are_those_of_the_repository(profile: str) -> None:
    config = named(template(*PROFILES[profile]), "ConfigMap", f"{BAND}-dashboards")
    sidecar = config["metadata"]["labels"].get("grafana_dashboard")
    assert sidecar == ("1" if profile == "production" else None)
    assert {name: text.strip() for name, text in config["data"].items()} == {
        path.name: path.read_text().strip() for path in OBSERVABILITY.glob("dashboards/*.json")
    }


def test_a_service_monitor_finds_every_service_once_and_under_its_name() -> None:
    manifests = template(*PROFILES["production"])
    monitor = named(manifests, "ServiceMonitor")["spec"]
    (wanted,) = monitor["selector"]["matchExpressions"]
    labels = [each["metadata"]["labels"] for each in of_kind(manifests, "Service")]
    found = [each[wanted["key"]] for each in labels if each[wanted["key"]] in wanted["values"]]
    assert sorted(found) == sorted(EVERY_SERVICE)
    (endpoint,) = monitor["endpoints"]
    relabelled = {each["targetLabel"]: each for each in endpoint["relabelings"]}
    assert relabelled["job"]["replacement"] == "bandstand"
    label = re.sub(r"\W", "_", wanted["key"])
    assert relabelled["service"]["sourceLabels"] == [f"__meta_kubernetes_service_label_{label}"]


def test_a_prometheus_rule_has_the_groups_of_the_repository() -> None:
    rule = named(template(*PROFILES["production"]), "PrometheusRule")
    files = sorted(OBSERVABILITY.glob("rules/*.yml"))
    groups = [group for path in files for group in yaml.safe_load(path.read_text())["groups"]]
    assert rule["spec"]["groups"] == groups


def test_alerts_and_dashboards_lead_to_the_runbooks_where_you_keep_them() -> None:
    yours = "https://wiki.example.com/runbooks"
    manifests = template(*PROFILES["production"], f"--set=monitoring.runbooks={yours}")
    groups = named(manifests, "PrometheusRule")["spec"]["groups"]
    carried = named(
        template(f"--set=monitoring.runbooks={yours}"), "ConfigMap", f"{BAND}-prometheus-rules"
    )
    for text in carried["data"].values():
        groups += yaml.safe_load(text)["groups"]
    rules = [rule for group in groups for rule in group["rules"] if "alert" in rule]
    assert rules
    for rule in rules:
        name = rule["labels"]["runbook"]
        assert rule["annotations"]["runbook_url"] == f"{yours}/{name}.md"
        assert (ROOT / "docs" / "runbooks" / f"{name}.md").exists()
    for text in named(manifests, "ConfigMap", f"{BAND}-dashboards")["data"].values():
        variables = {each["name"]: each for each in json.loads(text)["templating"]["list"]}
        assert variables["runbooks"]["query"] == yours


def test_your_operator_finds_them_by_the_labels_that_you_name() -> None:
    given = (
        "--set=monitoring.serviceMonitor.enabled=true,monitoring.serviceMonitor.labels.release=mine"
    )
    assert named(template(given), "ServiceMonitor")["metadata"]["labels"]["release"] == "mine"


@pytest.mark.parametrize("by", ["cpu", "lag"])
def test_an_autoscaler_decides_alone_and_never_for_more_than_there_are_partitions(by: str) -> None:
    manifests = template(f"--set=autoscaling.by={by},settings.partitions=3")
    for service in SERVICES:
        deployment = named(manifests, "Deployment", f"{BAND}-{service}")
        assert "replicas" not in deployment["spec"]
        kind = {"cpu": "HorizontalPodAutoscaler", "lag": "ScaledObject"}[by]
        spec = named(manifests, kind, f"{BAND}-{service}")["spec"]
        assert spec["scaleTargetRef"]["name"] == deployment["metadata"]["name"]
        assert spec.get("maxReplicas", spec.get("maxReplicaCount")) == 3


@pytest.mark.parametrize(
    ("by", "keda", "kind"),
    [
        ("auto", True, "ScaledObject"),
        ("auto", False, "HorizontalPodAutoscaler"),
        ("cpu", True, "HorizontalPodAutoscaler"),
        ("lag", False, "ScaledObject"),
    ],
)
def test_keda_scales_where_it_is_present_unless_somebody_said_who_does(
    by: str, keda: bool, kind: str
) -> None:
    manifests = template(f"--set=autoscaling.by={by}", *([SCALED] if keda else []))
    found = of_kind(manifests, "ScaledObject", "HorizontalPodAutoscaler")
    assert [one["kind"] for one in found] == [kind] * len(SERVICES)


def test_keda_may_take_over_what_was_scaled_by_cpu_before_it_came() -> None:
    """Helm makes what is new before it takes away what is old, and KEDA asks the old one."""
    for one in of_kind(template("--set=autoscaling.by=auto"), "HorizontalPodAutoscaler"):
        assert one["metadata"]["annotations"]["validations.keda.sh/hpa-ownership"] == "false"


def test_production_takes_what_the_cluster_has() -> None:
    bare = f"--values={CHART / 'values-production.yaml'}"
    by_operators = ("ServiceMonitor", "PrometheusRule", "ScaledObject")
    assert of_kind(template(bare), *by_operators) == []
    kinds = {one["kind"] for one in of_kind(template(bare, WATCHED, SCALED), *by_operators)}
    assert kinds == set(by_operators)


@pytest.mark.parametrize(("enabled", "made"), [("true", 1), ("false", 0), ("auto", 0)])
def test_who_says_so_gets_a_prometheus_rule_wherever(enabled: str, made: int) -> None:
    manifests = template(f"--set=monitoring.prometheusRule.enabled={enabled}")
    assert len(of_kind(manifests, "PrometheusRule")) == made


@pytest.mark.parametrize(
    ("kafka", "sasl", "tls"),
    [
        (None, "plaintext", "disable"),
        (("SASL_SSL", "SCRAM-SHA-512"), "scram_sha512", "enable"),
        (("SASL_PLAINTEXT", "SCRAM-SHA-256"), "scram_sha256", "disable"),
        (("SSL", "SCRAM-SHA-512"), "none", "enable"),
    ],
)
def test_keda_goes_to_kafka_the_way_that_the_service_goes(
    kafka: tuple[str, str] | None, sasl: str, tls: str
) -> None:
    manifests = template("--set=autoscaling.by=lag", *(of_your_own(*kafka) if kafka else ()))
    for scaled in of_kind(manifests, "ScaledObject"):
        (trigger,) = scaled["spec"]["triggers"]
        assert (trigger["metadata"]["sasl"], trigger["metadata"]["tls"]) == (sasl, tls)
        way = named(manifests, "TriggerAuthentication", trigger["authenticationRef"]["name"])
        service = trigger["metadata"]["consumerGroup"]
        given = {one["parameter"]: one["key"] for one in way["spec"]["secretTargetRef"]}
        assert given.get("username", f"{service}.user") == f"{service}.user"
        assert given.get("password", f"{service}.password") == f"{service}.password"
        assert ("username" in given) == (sasl != "none")
        assert ("ca" in given) == (tls == "enable")


def test_keda_finds_the_releases_own_broker_from_its_namespace() -> None:
    manifests = template("--namespace=shop", SCALED, "--set=autoscaling.by=lag")
    asked = {
        each["spec"]["triggers"][0]["metadata"]["bootstrapServers"]
        for each in of_kind(manifests, "ScaledObject")
    }
    assert asked == {f"{BAND}-kafka.shop:9092"}
    config = named(manifests, "ConfigMap", f"{BAND}-kafka")["data"]["server.properties"]
    assert f"{BAND}-kafka.shop:9092" in config


def test_nobody_else_scales_an_orchestrator_that_the_operator_scales_to_zero() -> None:
    idle = (
        "--set=operator.coordination.create=true",
        "--set=operator.coordination.spec.orchestrator.scaleToZeroWhenIdle=true",
    )
    for by, kind in (("lag", "ScaledObject"), ("cpu", "HorizontalPodAutoscaler")):
        manifests = template(SCALED, f"--set=autoscaling.by={by}", *idle)
        scaled = {each["spec"]["scaleTargetRef"]["name"] for each in of_kind(manifests, kind)}
        assert scaled == {f"{BAND}-{name}" for name in SERVICES if name != "orchestrator"}


def test_whoever_may_scrape_reaches_all_that_a_monitor_names() -> None:
    manifests = template(*PROFILES["production"])
    open_ports = {
        (policy["spec"]["podSelector"]["matchLabels"]["app.kubernetes.io/component"], port["port"])
        for policy in of_kind(manifests, "NetworkPolicy")
        if policy["metadata"]["name"].endswith("-from-scrapers")
        for rule in policy["spec"]["ingress"]
        for port in rule["ports"]
    }
    assert open_ports == {("operator", 8080), ("collector", 8888), ("collector", 8889)}
    monitors = {each["metadata"]["name"] for each in of_kind(manifests, "ServiceMonitor")}
    assert monitors == {BAND, f"{BAND}-operator", f"{BAND}-collector"}


@pytest.mark.parametrize("part", ["operator", "collector", "jaeger"])
def test_a_monitor_gives_each_part_the_job_that_the_alert_about_it_names(part: str) -> None:
    manifests = template("--set=monitoring.serviceMonitor.enabled=true,operator.enabled=true")
    monitor = named(manifests, "ServiceMonitor", f"{BAND}-{part}")["spec"]
    service = named(manifests, "Service", f"{BAND}-{part}")
    assert monitor["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    endpoint = monitor["endpoints"][0]
    assert endpoint["port"] in {port["name"] for port in service["spec"]["ports"]}
    (relabelled,) = endpoint["relabelings"]
    rules = (OBSERVABILITY / "rules" / "alerts.yml").read_text()
    assert relabelled["replacement"] == f"bandstand-{part}"
    assert re.search(rf'job=~"bandstand\([^"]*-{part}\b', rules)


def test_keda_is_told_nothing_twice_where_it_has_a_way_of_its_own() -> None:
    given = ("--set=autoscaling.by=lag", "--set=autoscaling.authentication=mine")
    manifests = template(*given, *of_your_own("SASL_SSL", "SCRAM-SHA-512"))
    assert of_kind(manifests, "TriggerAuthentication") == []
    for scaled in of_kind(manifests, "ScaledObject"):
        (trigger,) = scaled["spec"]["triggers"]
        assert trigger["authenticationRef"] == {"name": "mine"}
        assert not trigger["metadata"].keys() & {"sasl", "tls"}


def test_kafka_lets_in_whoever_asks_it_for_lags_and_only_then() -> None:
    edge = f"{BAND}-kafka-from-scalers"
    (rule,) = named(template("--set=autoscaling.by=lag"), "NetworkPolicy", edge)["spec"]["ingress"]
    assert rule["from"][0]["namespaceSelector"]["matchLabels"] == {
        "kubernetes.io/metadata.name": "keda"
    }
    by_cpu = of_kind(template("--set=autoscaling.by=cpu"), "NetworkPolicy")
    assert edge not in {policy["metadata"]["name"] for policy in by_cpu}


def of_your_own(security: str, mechanism: str) -> tuple[str, ...]:
    access = f"kafka.access.security={security},kafka.access.mechanism={mechanism}"
    password = "passwords" if security.startswith("SASL_") else ""
    authority = "authority" if security.endswith("SSL") else ""
    secrets = f"kafka.access.passwordSecret={password},kafka.access.authoritySecret={authority}"
    return (f"--set=kafka.external=kafka.example.com:9093,{access},{secrets}",)


def test_lag_is_that_of_the_group_that_the_service_reads_in() -> None:
    for scaled in of_kind(template("--set=autoscaling.by=lag"), "ScaledObject"):
        (trigger,) = scaled["spec"]["triggers"]
        group = trigger["metadata"]["consumerGroup"]
        assert scaled["metadata"]["name"] == f"{BAND}-{group}"
        assert group in EVERY_SERVICE


def test_a_service_that_is_switched_off_stays_off() -> None:
    manifests = template("--set=autoscaling.by=cpu,services.orchestrator.replicas=0")
    scaled = [one["metadata"]["name"] for one in of_kind(manifests, "HorizontalPodAutoscaler")]
    assert f"{BAND}-orchestrator" not in scaled
    assert named(manifests, "Deployment", f"{BAND}-orchestrator")["spec"]["replicas"] == 0


def test_all_of_it_on_kind_is_promised_no_more_than_two_cpus_and_four_gib() -> None:
    deployed = of_kind(template(*PROFILES["kind"]), "Deployment", "StatefulSet")
    asked = [
        (manifest["spec"].get("replicas", 1), container["resources"])
        for manifest in deployed
        for container in manifest["spec"]["template"]["spec"]["containers"]
    ]
    assert sum(many * millicores(each["requests"]["cpu"]) for many, each in asked) < 1000
    assert sum(many * mebibytes(each["limits"]["memory"]) for many, each in asked) < 4096 - 512


def millicores(quantity: str) -> int:
    assert quantity.endswith("m")
    return int(quantity.removesuffix("m"))


def mebibytes(quantity: str) -> int:
    assert quantity.endswith("Mi")
    return int(quantity.removesuffix("Mi"))
