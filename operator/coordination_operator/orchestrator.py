"""The orchestrator's Deployment: how many it has, and how many it is to have."""

from __future__ import annotations

from typing import Any

from lightkube import Client
from lightkube.resources.apps_v1 import Deployment, DeploymentScale
from lightkube.types import PatchType

from coordination_operator.asking import asking_the_api
from coordination_operator.errors import Unavailable
from coordination_operator.plan import Deployed


class Orchestrator:
    def __init__(self, client: Client, name: str) -> None:
        self._client = client
        self._name = name
        self._seen: Any = None

    def look(self) -> Deployed:
        """Where it is not ours to scale, it is taken for being there. What is ready is known of the
        Deployment as it is now only: a moment ago it may have been another number's pods."""
        if not self._name:
            return Deployed(wanted=1, ready=1, ours=False)
        with asking_the_api(gone=Unavailable):
            found = self._seen = self._client.get(Deployment, self._name)
        wanted = found.spec.replicas if found.spec else None
        return Deployed(wanted=1 if wanted is None else wanted, ready=_ready(found))

    def scale(self, replicas: int) -> None:
        """Stale if it is no longer the one that was looked at: sent away is nobody who was just
        fetched back."""
        version = self._seen.metadata.resourceVersion
        body = {"metadata": {"resourceVersion": version}, "spec": {"replicas": replicas}}
        with asking_the_api(gone=Unavailable):
            self._client.patch(DeploymentScale, self._name, body, patch_type=PatchType.MERGE)


def _ready(found: Deployment) -> int:
    assert found.metadata is not None
    if found.status is None:
        return 0
    seen, generation = found.status.observedGeneration or 0, found.metadata.generation or 0
    return (found.status.readyReplicas or 0) if seen >= generation else 0
