"""What Helm makes of the chart where it may look at what there is."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.unit.api_server import an_api_server
from tests.unit.rendering import CHART, LOADER, Manifest, helm, of_kind, template


@pytest.fixture
def kubeconfig(tmp_path: Path) -> Path:
    path = tmp_path / "config"
    path.write_text("{apiVersion: v1, kind: Config}")
    return path


def upgraded(kubeconfig: Path, spec: Manifest) -> list[Manifest]:
    """In a cluster whose Coordination is like that."""
    with an_api_server(template(), spec) as address:
        there = (f"--kubeconfig={kubeconfig}", f"--kube-apiserver={address}")
        looking = ("--dry-run=server", "--disable-openapi-validation")
        done = helm("template", "band", str(CHART), *there, *looking)
    assert done.returncode == 0, done.stderr
    return [manifest for manifest in yaml.load_all(done.stdout, LOADER) if manifest]


@pytest.mark.parametrize("idle", [True, False])
def test_whom_the_operator_scales_because_the_object_was_patched_so_is_left_to_it(
    kubeconfig: Path, idle: bool
) -> None:
    """Helm 4 does not upgrade a release that wants another number than its owner."""
    spec = {"mode": "Choreography", "orchestrator": {"scaleToZeroWhenIdle": idle}}
    (orchestrator,) = (
        each["spec"]
        for each in of_kind(upgraded(kubeconfig, spec), "Deployment")
        if each["metadata"]["name"].endswith("-orchestrator")
    )
    assert ("replicas" in orchestrator) != idle
