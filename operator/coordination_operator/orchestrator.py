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
        """Where it is not ours to scale, it is taken for being there."""
        if not self._name:
            return Deployed(wanted=1, ready=1, ours=False)
        with asking_the_api(gone=Unavailable):
            found = self._seen = self._client.get(Deployment, self._name)
        wanted = found.spec.replicas if found.spec else None
        ready = found.status.readyReplicas if found.status else None
        return Deployed(wanted=1 if wanted is None else wanted, ready=ready or 0)

    def scale(self, replicas: int) -> None:
        """Stale if it is no longer the one that was looked at: sent away is nobody who was just
        fetched back."""
        version = self._seen.metadata.resourceVersion
        body = {"metadata": {"resourceVersion": version}, "spec": {"replicas": replicas}}
        with asking_the_api(gone=Unavailable):
            self._client.patch(DeploymentScale, self._name, body, patch_type=PatchType.MERGE)
