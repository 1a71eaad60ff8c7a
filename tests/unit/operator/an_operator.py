"""The operator's adapters put together, with an API server and services in memory around them."""

import httpx2

from coordination_operator.cluster import Cluster
from coordination_operator.errors import Stale, Unavailable
from coordination_operator.events import Events
from coordination_operator.http import Http
from coordination_operator.memory import memory_of_the_coordination
from coordination_operator.orchestrator import Orchestrator
from coordination_operator.parting import Parting
from coordination_operator.plan import Past
from coordination_operator.prometheus import Prometheus
from coordination_operator.resources import KIND
from coordination_operator.telemetry import Metrics
from services.kit.message import Mode
from tests.unit.operator.an_api_server import COORDINATIONS, DEPLOYMENTS, LEASES, ApiServer
from tests.unit.operator.builders import NOTHING, START, a_route

OBJECT = f"{COORDINATIONS}/orders"
DEPLOYMENT = f"{DEPLOYMENTS}/conductor"
LEASE = f"{LEASES}/operator"


class FakeServices:
    """The order service and the others: a route that is changed by compare-and-set."""

    def __init__(self, mode=Mode.ORCHESTRATION, weight=100):
        self.mode, self.weight, self.epoch = mode, weight, 1
        self.reachable, self.faster, self.open = True, False, {}
        self.now, self.history = START, [Past(mode, weight, START)]

    def route(self):
        if not self.reachable:
            raise Unavailable("the order service is away")
        since = self.history[0].changed_at
        history = tuple(self.history)
        return a_route(
            self.mode, self.weight, self.epoch, self.now, since, history=history, open=self.open
        )

    def switch(self, wish):
        if self.faster:
            self.faster, self.epoch = False, self.epoch + 1
        if wish.seen_epoch != self.epoch:
            raise Stale("somebody was faster")
        self.mode, self.weight, self.epoch = wish.mode, wish.weight, self.epoch + 1
        self.history.insert(0, Past(wish.mode, wish.weight, self.now))

    def left(self, without=()):
        self.without = without
        return dict.fromkeys(Mode, NOTHING)

    def share(self, mode):
        return self.weight if mode is self.mode else 100 - self.weight


class AnOperator:
    """`another` is what follows after it was killed: it knows what is stored, and nothing else."""

    def __init__(self, api=None, services=None):
        self.api, self.services = api or ApiServer(), services or FakeServices()
        if api is None:
            self.api.put_lease()
            self.api.put_deployment(1, ready=1)
        client, self.metrics = self.api.client(), Metrics()
        events, orchestrator = Events(client, KIND), Orchestrator(client, "conductor")
        memory = memory_of_the_coordination(client, "operator")
        prometheus = Prometheus(Http(httpx2.MockTransport(lambda _: httpx2.Response(503))), "")
        services = self.services
        self.cluster = Cluster(
            client, "orders", services, prometheus, events, orchestrator, memory, self.metrics
        )
        self.parting = Parting(memory, services, orchestrator, events, self.metrics)

    def another(self):
        return AnOperator(self.api, self.services)

    @property
    def annotations(self):
        return self.api.objects[LEASE]["metadata"].get("annotations", {})

    @property
    def replicas(self):
        return self.api.objects[DEPLOYMENT]["spec"]["replicas"]

    def counted(self, reason):
        return self.metric("transitions_total", reason=reason)

    def metric(self, name, **labels):
        return self.metrics.registry.get_sample_value(f"bandstand_operator_{name}", labels)
