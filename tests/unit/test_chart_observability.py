"""What watches the release, as Helm renders it."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml

from services.kit.bootstrap import EVERY_SERVICE
from tests.unit.rendering import CHART, ROOT, Manifest, containers, of_kind, pods, template

BAND = "band-bandstand"
ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
YOURS = "collector.endpoint=http://traces.example.com:4318"


def config_map(manifests: list[Manifest], name: str) -> dict[str, str]:
    (found,) = [
        manifest["data"]
        for manifest in of_kind(manifests, "ConfigMap")
        if manifest["metadata"]["name"] == f"{BAND}-{name}"
    ]
    return dict(found)


def endpoints(*values: str) -> set[str | None]:
    """Where the services send their spans."""
    return {
        {each["name"]: each.get("value") for each in container["env"]}.get(ENDPOINT)
        for pod in pods(template(*(f"--set={value}" for value in values)))
        for container in containers(pod)
        if container["name"] in EVERY_SERVICE
    }


def test_prometheus_finds_the_pods_of_every_service_and_knows_their_names() -> None:
    manifests = template()
    config = yaml.safe_load(config_map(manifests, "prometheus")["prometheus.yml"])
    (job,) = [job for job in config["scrape_configs"] if job["job_name"] == "bandstand"]
    (asked,) = job["dns_sd_configs"]
    (named,) = job["relabel_configs"]
    headless = {
        manifest["metadata"]["name"]: manifest["spec"]["selector"]["app.kubernetes.io/component"]
        for manifest in of_kind(manifests, "Service")
        if manifest["metadata"]["name"].endswith("-pods")
    }
    found = {name: re.fullmatch(named["regex"], name) for name in asked["names"]}
    assert {name: match and match[1] for name, match in found.items()} == headless
    assert sorted(headless.values()) == sorted(EVERY_SERVICE)


def test_prometheus_evaluates_the_rules_of_the_repository() -> None:
    rules = ROOT / "observability" / "rules"
    carried = config_map(template(), "prometheus-rules")
    assert {name: yaml.safe_load(text) for name, text in carried.items()} == {
        path.name: yaml.safe_load(path.read_text()) for path in rules.glob("*.yml")
    }


def days(duration: str) -> float:
    return int(duration[:-1]) * {"s": 1 / 86_400, "m": 1 / 1440, "h": 1 / 24, "d": 1}[duration[-1]]


def test_prometheus_keeps_what_the_slowest_rule_looks_back_to() -> None:
    """Of less it would be a rate over what there is, under the name of the longer window."""
    rules = (ROOT / "observability" / "rules").glob("*.yml")
    windows = {each for path in rules for each in re.findall(r"\[(\d+[smhd])\]", path.read_text())}
    (prometheus,) = [
        container
        for pod in pods(template())
        for container in containers(pod)
        if container["name"] == "prometheus"
    ]
    (kept,) = [each for each in prometheus["args"] if "retention.time" in each]
    assert days(kept.partition("=")[2]) > max(map(days, windows)) == 3


@pytest.mark.parametrize("part", ["prometheus", "collector", "jaeger", "grafana"])
def test_a_part_that_is_switched_off_leaves_nothing_behind(part: str) -> None:
    assert f"{BAND}-{part}" in json.dumps(template())
    left = template(f"--set={part}.enabled=false", "--set=grafana.enabled=false", f"--set={YOURS}")
    assert f"{BAND}-{part}" not in json.dumps(left)


@pytest.mark.parametrize(
    ("values", "endpoint"),
    [
        ((), f"http://{BAND}-collector:4318"),
        (("collector.enabled=false",), f"http://{BAND}-jaeger:4318"),
        (("collector.enabled=false", "jaeger.enabled=false"), None),
        (("tracing.endpoint=http://yours:4318",), "http://yours:4318"),
    ],
)
def test_spans_go_to_the_next_that_is_there(values: tuple[str, ...], endpoint: str) -> None:
    assert endpoints(*values) == {endpoint}


def test_traces_go_to_your_backend_and_may_leave() -> None:
    manifests = template("--set=jaeger.enabled=false", f"--set={YOURS}")
    assert "http://traces.example.com:4318" in json.dumps(of_kind(manifests, "Deployment"))
    (policy,) = [
        manifest["spec"]
        for manifest in of_kind(manifests, "NetworkPolicy")
        if manifest["metadata"]["name"] == f"{BAND}-collector-to-yours"
    ]
    assert policy["egress"] == [{"ports": [{"port": 4318}]}]


def test_an_edge_is_open_at_both_ends_and_on_the_same_ports() -> None:
    policies = {
        manifest["metadata"]["name"]: manifest["spec"]
        for manifest in of_kind(template(), "NetworkPolicy")
    }
    outward = [name for name in policies if "-to-" in name and not name.endswith("-to-kubernetes")]
    assert outward
    for name in outward:
        sender, receiver = name.removeprefix(f"{BAND}-").split("-to-")
        (out,) = policies[name]["egress"]
        (into,) = policies[f"{BAND}-{receiver}-from-{sender}"]["ingress"]
        assert out["ports"] == into["ports"]
        assert out["to"] == [
            {"podSelector": policies[f"{BAND}-{receiver}-from-{sender}"]["podSelector"]}
        ]
        assert into["from"] == [{"podSelector": policies[name]["podSelector"]}]


@pytest.fixture
def collector() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load(config_map(template(), "collector")["config.yaml"])
    return read


@pytest.mark.parametrize(
    ("limit", "told"),
    [
        ("384Mi", "268MiB"),
        ("2Gi", "1433MiB"),
        ("0.5Gi", "358MiB"),
        ("1.5Gi", "1075MiB"),
        ("500M", "333MiB"),
        (402653184, "268MiB"),
        (2.5e8, "166MiB"),
        (None, "off"),
    ],
)
def test_jaeger_knows_how_much_it_may_hold(limit: str | float | None, told: str) -> None:
    manifests = template(f"--set-json=jaeger.resources.limits.memory={json.dumps(limit)}")
    (jaeger,) = (
        each
        for each in of_kind(manifests, "Deployment")
        if each["metadata"]["name"].endswith("jaeger")
    )
    (container,) = jaeger["spec"]["template"]["spec"]["containers"]
    given = {each["name"]: each["value"] for each in container["env"]}
    assert given["GOMEMLIMIT"] == told


def test_the_collector_sheds_load_before_it_holds_any(collector: dict[str, Any]) -> None:
    pipelines = collector["service"]["pipelines"]
    for name in ("traces/counted", "traces/kept"):
        assert pipelines[name]["receivers"] == ["otlp"]
        assert pipelines[name]["processors"][0] == "memory_limiter"
    assert "tail_sampling" not in pipelines["traces/counted"]["processors"]


@pytest.mark.parametrize(
    "with_them", ["collector.keptPercent=100", "tracing.endpoint=http://x:4318"]
)
def test_links_alone_go_with_a_collector_that_keeps_everything_or_is_not_asked(
    with_them: str,
) -> None:
    manifests = template(f"--set=settings.traceLinkOnly=true,{with_them}")
    services = [
        container
        for pod in pods(manifests)
        for container in pod["containers"]
        if any(each["name"] == "BANDSTAND_TRACE_LINK_ONLY" for each in container.get("env", ()))
    ]
    assert services
    for container in services:
        values = {each["name"]: each.get("value") for each in container["env"]}
        assert values["BANDSTAND_TRACE_LINK_ONLY"] == "true"


def test_a_saga_is_judged_after_its_deadline_and_slow_means_what_the_objective_says(
    collector: dict[str, Any],
) -> None:
    judge = collector["processors"]["tail_sampling"]
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    minutes = int(values["collector"]["decisionWait"].removesuffix("m"))
    assert minutes * 60 > 2 * values["settings"]["orderDeadlineSeconds"]
    (slow,) = [each["latency"] for each in judge["policies"] if each["type"] == "latency"]
    objectives = (ROOT / "observability" / "rules" / "objectives.yml").read_text()
    assert f'le="{slow["threshold_ms"] / 1000}"' in objectives
