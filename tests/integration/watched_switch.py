"""A judged switch of a stack that Prometheus looks on at: the operator's own core and its own
metrics, with the laptop's world around them."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from coordination_operator.http import Http
from coordination_operator.resources import (
    Analysis,
    CoordinationSpec,
    Metric,
    Rollout,
    Step,
    Template,
    Who,
)
from coordination_operator.services_api import Services
from coordination_operator.telemetry import Health, Metrics
from coordination_operator.web import Server, about_itself
from lab.coordination import trial
from lab.coordination.trial import Trial, try_out
from lab.load.progress import Bars
from lab.stack.ports import LOOPBACK, Ports
from services.kit.message import Mode

SPEC = CoordinationSpec(
    mode=Who.CHOREOGRAPHY,
    rollout=Rollout(
        steps=(Step(weight=20, min_duration="3s"), Step(weight=50, min_duration="3s")),
        progress_deadline="1m",
    ),
    analysis=Analysis(
        interval="1s",
        window="10s",
        metrics=(
            Metric(name="errors", template=Template.ERROR_SHARE),
            Metric(name="oldest-saga", template=Template.OLDEST_SAGA_AGE, dry_run=True),
        ),
    ),
)
LONGER_THAN_IT_TAKES, SEED, PATIENCE = 3_000, 9, 60


class Watched(trial.Stage):
    """Told to the metrics whenever it is looked at, as on a cluster."""

    def __init__(self, metrics: Metrics, *around: Any) -> None:
        super().__init__(*around)
        self._metrics = metrics

    def look(self) -> Any:
        spec, observed = super().look()
        self._metrics.observe(observed, ())
        return spec, observed


@contextmanager
def an_operators_metrics() -> Iterator[tuple[Metrics, str]]:
    metrics, port = Metrics(), Ports().take()
    server = Server(about_itself(metrics, Health()), port)
    try:
        yield metrics, f"http://{LOOPBACK}:{port}"
    finally:
        server.close()


def switch_as_judged(stage: Any, metrics: Metrics, rate: float) -> Trial:
    """From orchestration to choreography, while orders come in."""
    stage.switch(Mode.ORCHESTRATION)
    load = stage.load(LONGER_THAN_IT_TAKES, SEED)
    orders = threading.Thread(
        target=load.open, args=(rate, SEED, Bars(len(load.ledger.planned)), PATIENCE)
    )
    orders.start()
    services = Services(Http(), stage.target.urls(), stage.target.token)
    try:
        return try_out(Watched(metrics, SPEC, services, stage.target.database(), print))
    finally:
        load.stop()
        orders.join()
