"""Where an operator is put together: settings and a client in, something that can reconcile out."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

import msgspec
from lightkube import Client

from coordination_operator import policy_resources
from coordination_operator.cluster import Cluster, Coordination, Gone
from coordination_operator.decide import farewell
from coordination_operator.errors import OutsideError, Unavailable
from coordination_operator.events import Events
from coordination_operator.http import Http
from coordination_operator.lease import Tenure
from coordination_operator.plan import Observed
from coordination_operator.policy_cluster import PolicyCluster
from coordination_operator.policy_reconcile import Policies
from coordination_operator.prometheus import Prometheus
from coordination_operator.reconcile import reconcile
from coordination_operator.resources import KIND, NAME, CoordinationSpec
from coordination_operator.services_api import Services
from coordination_operator.settings import Settings
from coordination_operator.status import CoordinationStatus, Note
from coordination_operator.telemetry import Health, Metrics, serve

log = logging.getLogger(__name__)

RETRY: Final = timedelta(seconds=2)


class Operator:
    def __init__(self, settings: Settings, client: Client) -> None:
        http = Http()
        self.metrics, self.health = Metrics(), Health()
        self._services = Services(http, settings.urls, settings.token)
        self._tenure = Tenure(client, settings.lease, settings.identity)
        self._events = Events(client, KIND)
        self._object = f"{settings.namespace}/{NAME}"
        self._cluster = Cluster(
            client,
            NAME,
            self._services,
            Prometheus(http, settings.prometheus, settings.selector),
            self._events,
            settings.orchestrator,
            self.metrics,
        )
        events = Events(client, policy_resources.KIND)
        self._policies = Policies(PolicyCluster(client, self._services, events, self.metrics.tell))
        self._server = serve(settings.port, self.metrics, self.health)

    def await_turn(self) -> None:
        self._tenure.await_turn(self.health.beat)
        self.health.leading = True
        self.metrics.leader.set(1)

    def keep_tenure(self, lost: Callable[[], None]) -> None:
        arguments = (lost, self.health.beat)
        threading.Thread(
            target=self._tenure.keep, args=arguments, name="lease", daemon=True
        ).start()

    def reconcile(self) -> timedelta:
        return self._round(lambda: reconcile(self._cluster), self._object) or RETRY

    def reconcile_policies(self) -> timedelta | None:
        return self._round(self._policies.reconcile, policy_resources.PLURAL)

    def _round(self, work: Callable[[], timedelta | None], about: str) -> timedelta | None:
        """Nothing is done by who may have lost the lease."""
        if not self._tenure.held:
            return RETRY
        with self.metrics.rounds.time():
            try:
                return work()
            except Gone:
                return RETRY
            except Unavailable as error:
                self.metrics.errors.inc()
                log.warning("%s", error, extra={"object": about})
                return RETRY

    def farewell(self, body: dict[str, Any]) -> None:
        """The object is gone: no mode stays on trial, and it is said who coordinates now."""
        spec = msgspec.convert(body["spec"], CoordinationSpec)
        status = msgspec.convert(body.get("status") or {}, CoordinationStatus)
        try:
            route = self._services.route()
            observed = Observed(status, status.observed_generation, route, None, None)
            wish = farewell(spec, observed)
            if wish is not None:
                self._services.switch(wish)
        except OutsideError as error:
            log.error("deleted, and the route stays: %s", error, extra={"object": self._object})
            return
        active = status.active_mode or spec.mode
        note = Note("Deleted", f"nobody looks after it any more; {active} has all new sagas")
        log.info("%s: %s", note.reason, note.message, extra={"object": self._object})
        self._events.tell(Coordination.from_dict(body), note)

    def close(self) -> None:
        self._tenure.give_up()
        self._server.shutdown()
