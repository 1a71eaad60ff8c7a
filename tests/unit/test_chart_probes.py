"""Whatever stays is asked how it is, with patience, and takes no more than it may."""

from __future__ import annotations

import pytest

from tests.unit.rendering import PROFILES, Manifest, of_kind, template

PROBES = ("startupProbe", "livenessProbe", "readinessProbe")


@pytest.fixture(params=PROFILES)
def staying(request: pytest.FixtureRequest) -> list[Manifest]:
    """The containers of all Deployments and StatefulSets."""
    return [
        container
        for manifest in of_kind(template(*PROFILES[request.param]), "Deployment", "StatefulSet")
        for container in manifest["spec"]["template"]["spec"]["containers"]
    ]


def test_every_container_that_stays_is_probed_and_bounded(staying: list[Manifest]) -> None:
    for container in staying:
        assert set(PROBES) <= container.keys()
        assert container["resources"]["requests"].keys() == {"cpu", "memory"}
        assert "memory" in container["resources"]["limits"]


def test_a_slow_node_is_given_time_to_start_and_to_answer(staying: list[Manifest]) -> None:
    for container in staying:
        start = container["startupProbe"]
        assert start["periodSeconds"] * start["failureThreshold"] == 180
        assert {container[name]["timeoutSeconds"] for name in PROBES} == {5}
