"""Where an operator is put together: settings and a client in, something that can reconcile out."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Final

from lightkube import Client

from coordination_operator import policy_resources
from coordination_operator.admission import reviewing
from coordination_operator.cluster import Cluster
from coordination_operator.errors import Unavailable
from coordination_operator.events import Events
from coordination_operator.http import Http
from coordination_operator.lease import Tenure
from coordination_operator.memory import memory_of_policies, memory_of_the_coordination
from coordination_operator.orchestrator import Orchestrator
from coordination_operator.parting import Parting, look_after
from coordination_operator.policy_cluster import PolicyCluster
from coordination_operator.policy_reconcile import Policies
from coordination_operator.prometheus import Prometheus
from coordination_operator.resources import KIND, NAME
from coordination_operator.services_api import Services
from coordination_operator.settings import Settings
from coordination_operator.telemetry import Health, Metrics
from coordination_operator.web import Server, about_itself

log = logging.getLogger(__name__)

RETRY: Final = timedelta(seconds=2)


class Operator:
    def __init__(self, settings: Settings, client: Client) -> None:
        http = Http()
        self.metrics, self.health = Metrics(), Health()
        self._services = Services(http, settings.urls, settings.token)
        self._tenure = Tenure(client, settings.lease, settings.identity)
        self.metrics.leader.set_function(lambda: self._tenure.held)
        self._object = f"{settings.namespace}/{NAME}"
        about, orchestrator = Events(client, KIND), Orchestrator(client, settings.orchestrator)
        memory = memory_of_the_coordination(client, settings.lease)
        self._cluster = Cluster(
            client,
            NAME,
            self._services,
            Prometheus(http, settings.prometheus, settings.selector),
            about,
            orchestrator,
            memory,
            self.metrics,
        )
        self._parting = Parting(memory, self._services, orchestrator, about, self.metrics)
        events = Events(client, policy_resources.KIND)
        self._policies = Policies(
            PolicyCluster(
                client,
                self._services,
                events,
                memory_of_policies(client, settings.lease),
                self.metrics.tell,
            )
        )
        self._servers = [Server(about_itself(self.metrics, self.health), settings.port)]
        if settings.certificate:
            certificate = Path(settings.certificate)
            self._servers.append(Server(reviewing(), settings.admission_port, certificate))

    def await_turn(self) -> None:
        self._tenure.await_turn(self._beat_of_the_lease)
        self.health.leading = True

    def keep_tenure(self, lost: Callable[[], None]) -> None:
        arguments = (lost, self._beat_of_the_lease)
        threading.Thread(
            target=self._tenure.keep, args=arguments, name="lease", daemon=True
        ).start()

    def _beat_of_the_lease(self) -> None:
        self.health.beat("lease")

    def reconcile(self) -> timedelta | None:
        return self._round(lambda: look_after(self._cluster, self._parting), self._object)

    def reconcile_policies(self) -> timedelta | None:
        return self._round(self._policies.reconcile, policy_resources.PLURAL)

    def _round(self, work: Callable[[], timedelta | None], about: str) -> timedelta | None:
        """Nothing is done by who may have lost the lease."""
        if not self._tenure.held:
            return RETRY
        with self.metrics.rounds.time():
            try:
                return work()
            except Unavailable as error:
                self.metrics.errors.inc()
                log.warning("%s", error, extra={"object": about})
                return RETRY

    def close(self) -> None:
        self._tenure.give_up()
        for server in self._servers:
            server.close()
