"""What Helm renders, as the API server reads it: nothing is refused, nothing is warned about."""

import os
import subprocess

import pytest
import yaml

from tests.e2e.cluster import CHART, ROOT, run

PROFILES = {
    "default": (),
    "kind": (f"--values={CHART / 'values-kind.yaml'}",),
    "production": (f"--values={CHART / 'values-production.yaml'}",),
    "kept": ("--set=prometheus.storage.size=8Gi", "--set=autoscaling.by=lag"),
    "developed": ("--set=sync.enabled=true", "--set=operator.coordination.create=true"),
}


@pytest.fixture(scope="module")
def served():
    """The kinds that this cluster knows; those of operators that it has not are left out."""
    table = run("kubectl", "api-resources", "--no-headers").splitlines()
    return {(words[-3], words[-1]) for words in map(str.split, table)}


@pytest.mark.parametrize("profile", PROFILES)
def test_the_api_server_takes_every_manifest_and_has_no_objection(profile, release, served):
    given = ("--namespace", release.namespace, *PROFILES[profile])
    rendered = yaml.safe_load_all(run("helm", "template", "band", str(CHART), *given))
    known = [each for each in rendered if each and (each["apiVersion"], each["kind"]) in served]
    assert {"Deployment", "NetworkPolicy", "Service"} <= {each["kind"] for each in known}
    said = apply(release.namespace, yaml.safe_dump_all(known))
    assert said.returncode == 0, said.stderr
    assert said.stderr == ""
    assert len(said.stdout.splitlines()) == len(known)


def test_the_api_server_takes_the_examples(release):
    written = [each.read_text() for each in sorted((ROOT / "examples").glob("*.yaml"))]
    said = apply(release.namespace, "\n---\n".join(written))
    assert (said.returncode, said.stderr) == (0, "")
    assert len(said.stdout.splitlines()) == len(written) > 1


def apply(namespace, manifests):
    command = ("kubectl", "apply", "--server-side", "--dry-run=server", "--namespace", namespace)
    return subprocess.run(
        [*command, "--filename=-"],
        input=manifests,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ,
    )
