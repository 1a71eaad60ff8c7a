"""The chart as Helm renders it: no cluster, but `helm` (HELM names another one)."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.tools import lacking

ROOT = Path(__file__).parents[2]
CHART = ROOT / "charts" / "bandstand"
WATCHED = "--api-versions=monitoring.coreos.com/v1"  # a cluster with a Prometheus operator
SCALED = "--api-versions=keda.sh/v1alpha1"  # a cluster with KEDA
PROFILES: dict[str, tuple[str, ...]] = {
    "default": (),
    "kind": (f"--values={CHART / 'values-kind.yaml'}",),
    "production": (f"--values={CHART / 'values-production.yaml'}", WATCHED),
    "sync": ("--set=sync.enabled=true", "--set=tracing.endpoint=http://collector:4318"),
}
PODS = {"Deployment", "StatefulSet", "Job", "Pod"}
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast, where it was built
Manifest = dict[str, Any]


def helm(*arguments: str) -> subprocess.CompletedProcess[str]:
    program = os.environ.get("HELM") or shutil.which("helm")
    if program is None:
        lacking("helm is not on the PATH, which renders the chart")
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=False)


@cache
def _text(*arguments: str) -> str:
    done = helm("template", "band", str(CHART), *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def template(*arguments: str) -> list[Manifest]:
    return [manifest for manifest in yaml.load_all(_text(*arguments), LOADER) if manifest]


def of_kind(manifests: list[Manifest], *kinds: str) -> list[Manifest]:
    return [manifest for manifest in manifests if manifest["kind"] in kinds]


def pods(manifests: list[Manifest]) -> Iterator[Manifest]:
    for manifest in of_kind(manifests, *PODS):
        spec = manifest["spec"]
        yield spec if manifest["kind"] == "Pod" else spec["template"]["spec"]


def containers(pod: Manifest) -> list[Manifest]:
    return [*pod.get("initContainers", []), *pod["containers"]]


def kafka_properties(*arguments: str) -> dict[str, str]:
    """Of the release's own broker."""
    (text,) = (
        each["data"]["server.properties"]
        for each in of_kind(template(*arguments), "ConfigMap")
        if "server.properties" in each["data"]
    )
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)
