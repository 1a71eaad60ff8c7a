"""The release's pods as they are now."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from lab.cluster.kubectl import Kubectl
from lab.cluster.release import CHART, COMPONENT


class PodReport(msgspec.Struct, frozen=True):
    name: str
    component: str
    state: str
    ready: bool
    restarts: int
    uptime_seconds: float


class ReleaseReport(msgspec.Struct, frozen=True):
    release: str
    namespace: str
    pods: list[PodReport]


def report(kubectl: Kubectl, release: str) -> ReleaseReport:
    chosen = f"app.kubernetes.io/name={CHART},app.kubernetes.io/instance={release}"
    items = kubectl.get("pods", f"--selector={chosen}")["items"]
    now = datetime.now(UTC)
    pods = sorted((pod_report(item, now) for item in items), key=lambda pod: pod.name)
    return ReleaseReport(release, kubectl.namespace, pods)


def pod_report(pod: Mapping[str, Any], now: datetime) -> PodReport:
    """What a container waits for says more than its pod's phase."""
    metadata, status = pod["metadata"], pod["status"]
    containers = status.get("containerStatuses", [])
    waiting = [each["state"]["waiting"] for each in containers if "waiting" in each["state"]]
    started = datetime.fromisoformat(status.get("startTime", metadata["creationTimestamp"]))
    return PodReport(
        name=metadata["name"],
        component=metadata["labels"].get(COMPONENT, ""),
        state=_state(pod, [reason["reason"] for reason in waiting if "reason" in reason]),
        ready=bool(containers) and all(each["ready"] for each in containers),
        restarts=sum(each["restartCount"] for each in containers),
        uptime_seconds=(now - started).total_seconds(),
    )


def _state(pod: Mapping[str, Any], waiting: list[str]) -> str:
    if "deletionTimestamp" in pod["metadata"]:
        return "Terminating"
    return waiting[0] if waiting else str(pod["status"]["phase"])
