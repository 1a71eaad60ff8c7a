"""What Helm says after an installation: the commands name what the same release has made."""

from __future__ import annotations

import re

import pytest

from tests.unit.rendering import CHART, PROFILES, ROOT, WATCHED, Manifest, helm, of_kind, template

PLACE = re.compile(
    r"kubectl -n shop (?:port-forward service/(\S+) (\d+)|get secret (\S+) .*\.(\w+)})"
)
NEXT = re.compile(r"^  (\d)\. .+\n     (.+)$", re.MULTILINE)


def notes(*arguments: str) -> str:
    dry = ("install", "band", str(CHART), "--namespace=shop", "--dry-run=client")
    versions = {each for each in arguments if each.startswith("--api-versions")}
    done = helm(*dry, *(each for each in arguments if each not in versions))
    if "cluster unreachable" in done.stderr:
        pytest.skip("Helm 3 asks a cluster even for a dry run")
    assert done.returncode == 0, done.stderr
    return done.stdout.partition("NOTES:\n")[2]


def doors(manifests: list[Manifest]) -> set[tuple[str, str]]:
    return {
        (service["metadata"]["name"], str(port["port"]))
        for service in of_kind(manifests, "Service")
        for port in service["spec"]["ports"]
    }


def keys(manifests: list[Manifest]) -> set[tuple[str, str]]:
    return {
        (secret["metadata"]["name"], key)
        for secret in of_kind(manifests, "Secret")
        for key in {**secret.get("data", {}), **secret.get("stringData", {})}
    }


@pytest.mark.parametrize("profile", PROFILES)
def test_the_next_three_commands_wait_try_and_reach(profile: str) -> None:
    told = NEXT.findall(notes(*PROFILES[profile]))
    assert [number for number, _ in told] == ["1", "2", "3"]
    wait, test, reach = (command for _, command in told)
    assert wait.startswith("kubectl -n shop wait deployment -l app.kubernetes.io/instance=band ")
    assert test == "helm -n shop test band"
    assert reach == "kubectl -n shop port-forward service/band-bandstand-order 8080"


@pytest.mark.parametrize("profile", PROFILES)
def test_they_name_what_is_there(profile: str) -> None:
    manifests = template(*PROFILES[profile])
    found = PLACE.findall(notes(*PROFILES[profile]))
    assert found
    for service, port, secret, key in found:
        if service:
            assert (service, port) in doors(manifests)
        elif profile == "production":
            assert (secret, key) == ("bandstand-admin", "token"), "one that somebody else made"
        else:
            assert (secret, key) in keys(manifests)


@pytest.mark.parametrize("part", ["grafana", "jaeger", "prometheus"])
def test_what_is_switched_off_is_not_spoken_of(part: str) -> None:
    off = {each: f"--set={each}.enabled=false" for each in ("grafana", "prometheus")}
    off["jaeger"] = "--set=jaeger.enabled=false,collector.enabled=false,grafana.enabled=false"
    given = (off[part], off["grafana"])
    assert f"service/band-bandstand-{part} " not in notes(*given)


def test_a_mode_is_asked_for_where_the_operator_looks() -> None:
    patch = "kubectl -n shop patch coordination orders --type merge -p "
    assert patch in notes()
    assert "once there is one (examples/coordination.yaml)" in notes()
    assert "once there is one" not in notes("--set=operator.coordination.create=true")
    assert patch not in notes("--set=operator.enabled=false")


def test_who_finds_no_prometheus_operator_is_told() -> None:
    production = PROFILES["production"]
    assert WATCHED in production
    assert "no Prometheus operator" in notes(*production)
    assert "no Prometheus operator" not in notes()


def test_the_pod_of_a_failed_test_is_removed_by_the_command_that_the_documents_give() -> None:
    """A hook is not Helm's: without its pod nobody could look at why it failed."""
    (hook,) = of_kind(template(), "Pod")
    assert hook["metadata"]["annotations"]["helm.sh/hook-delete-policy"] == (
        "before-hook-creation,hook-succeeded"
    )
    document = (ROOT / "docs" / "cluster.md").read_text()
    (chosen,) = re.findall(r"kubectl delete pods --selector (\S+)`", document)
    wanted = dict(each.split("=") for each in chosen.replace("=bandstand,", "=band,").split(","))
    assert wanted.items() <= hook["metadata"]["labels"].items()
