"""The world of a Coordination on a cluster: the object, the orchestrator's Deployment, events."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import httpx2
import msgspec
from lightkube import ApiError, Client
from lightkube.generic_resource import create_namespaced_resource
from lightkube.resources.apps_v1 import Deployment, DeploymentScale
from lightkube.types import PatchType

from coordination_operator.analysis import Sample
from coordination_operator.errors import Stale, Unavailable
from coordination_operator.events import Events
from coordination_operator.phases import Command
from coordination_operator.plan import Deployed, Observed, SetRoute
from coordination_operator.prometheus import Prometheus
from coordination_operator.report import ORDER_SERVICE
from coordination_operator.resources import (
    GROUP,
    KIND,
    PLURAL,
    VERSION,
    Analysis,
    CoordinationSpec,
)
from coordination_operator.services_api import Services
from coordination_operator.status import CoordinationStatus, Note
from coordination_operator.telemetry import Metrics
from services.kit.message import Mode

log = logging.getLogger(__name__)

Coordination: Any = create_namespaced_resource(GROUP, VERSION, KIND, PLURAL)
GONE, CONFLICT = 404, 409


class Gone(Exception):
    """The object is no longer there."""


class Cluster:
    """Of one object; it is looked at anew each time, and nothing else is kept."""

    def __init__(
        self,
        client: Client,
        name: str,
        services: Services,
        prometheus: Prometheus,
        events: Events,
        orchestrator: str,
        metrics: Metrics,
    ) -> None:
        self._client = client
        self._name = name
        self._services = services
        self._prometheus = prometheus
        self._events = events
        self._orchestrator = orchestrator
        self._metrics = metrics
        self._object: Any = None
        self._deployment: Any = None

    def look(self) -> tuple[CoordinationSpec, Observed]:
        with asking_the_api():
            self._object = self._client.get(Coordination, self._name)
        spec = msgspec.convert(self._object.get("spec") or {}, CoordinationSpec)
        observed = self._observed()
        self._metrics.observe(observed)
        return spec, observed

    def save(self, status: CoordinationStatus) -> None:
        """A merge patch takes null for `remove it`, which is what None means here."""
        version = self._object.metadata.resourceVersion
        body = {
            "metadata": {"resourceVersion": version},
            "status": msgspec.to_builtins(status),
        }
        with asking_the_api():
            self._object = self._client.patch(
                Coordination.Status, self._name, body, patch_type=PatchType.MERGE
            )

    def switch(self, wish: SetRoute) -> None:
        self._services.switch(wish)
        log.info("new sagas: %s %s %%", wish.mode, wish.weight, extra=self._extra)

    def scale(self, replicas: int) -> None:
        """Stale if the Deployment is no longer the one that was looked at."""
        with asking_the_api():
            version = self._deployment.metadata.resourceVersion
            body = {"metadata": {"resourceVersion": version}, "spec": {"replicas": replicas}}
            self._client.patch(
                DeploymentScale, self._orchestrator, body, patch_type=PatchType.MERGE
            )

    def samples(self, wanted: Analysis, target: Mode) -> list[Sample]:
        return self._prometheus.samples(wanted, target)

    def done_with(self, commands: Collection[Command]) -> None:
        body = {"metadata": {"annotations": dict.fromkeys(map(annotation, commands))}}
        with asking_the_api():
            self._client.patch(Coordination, self._name, body, patch_type=PatchType.MERGE)

    def tell(self, notes: Sequence[Note]) -> list[Note]:
        return [note for note in notes if not self._told(note)]

    def _told(self, note: Note) -> bool:
        """In the log and the metrics once it is an event, or can be none."""
        if not self._events.tell(self._object, note):
            return False
        level = logging.WARNING if note.warning else logging.INFO
        log.log(level, "%s: %s", note.reason, note.message, extra=self._extra)
        self._metrics.tell(note)
        return True

    @property
    def _extra(self) -> dict[str, str]:
        return {"object": f"{self._object.metadata.namespace}/{self._name}"}

    def _observed(self) -> Observed:
        unseen: dict[str, str] = {}
        deployed = _seen(self._deployed, "Orchestrator", unseen)
        away = ("orchestrator",) if deployed is not None and not deployed.wanted else ()
        return Observed(
            status=msgspec.convert(self._object.get("status") or {}, CoordinationStatus),
            generation=self._object.metadata.generation,
            route=_seen(self._services.route, ORDER_SERVICE, unseen),
            left=_seen(lambda: self._services.left(without=away), "Services", unseen),
            orchestrator=deployed,
            asked=asked(self._object.metadata.annotations or {}),
            unseen=unseen,
        )

    def _deployed(self) -> Deployed | None:
        """None if it is not ours to scale: then it is taken for being there."""
        if not self._orchestrator:
            return Deployed(wanted=1, ready=1)
        with asking_the_api():
            found = self._deployment = self._client.get(Deployment, self._orchestrator)
        wanted = found.spec.replicas if found.spec else None
        ready = found.status.readyReplicas if found.status else None
        return Deployed(wanted=1 if wanted is None else wanted, ready=ready or 0)


def annotation(command: Command) -> str:
    return f"{GROUP}/{command}"


def asked(annotations: dict[str, str]) -> frozenset[Command]:
    """An annotation asks by being there, unless its value is `false`."""
    return frozenset(
        command
        for command in Command
        if annotations.get(annotation(command), "false").lower() != "false"
    )


@contextmanager
def asking_the_api() -> Iterator[None]:
    try:
        yield
    except ApiError as error:
        if error.status.code == CONFLICT:
            raise Stale(str(error)) from error
        if error.status.code == GONE:
            raise Gone(str(error)) from error
        raise Unavailable(f"the API server: {error}") from error
    except httpx2.HTTPError as error:
        raise Unavailable(f"the API server does not answer: {error}") from error


def _seen(look: Callable[[], Any], who: str, unseen: dict[str, str]) -> Any:
    """What cannot be seen is None, and why it cannot."""
    try:
        return look()
    except (Unavailable, Gone) as error:
        unseen[who] = str(error)
        return None
