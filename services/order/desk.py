"""Where orders wait for admission: all that do are admitted in one transaction, so that one costs a
commit at low load and a hundred do too."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Sequence
from concurrent.futures import Future

from services.kit.backlog import Backlog
from services.kit.connection import AWAY
from services.kit.metrics import Metrics
from services.kit.postgres import PostgresDatabase
from services.kit.problems import Problem
from services.kit.relay import Publisher
from services.kit.tracing import Tracing
from services.order.admission import Admission, Admitted, Application

log = logging.getLogger(__name__)

MOST_AT_ONCE = 200
FULL_RETRY_SECONDS = 5


class AdmissionDesk:
    """One thread that admits; `submit` may be called from any other."""

    def __init__(
        self,
        database: PostgresDatabase,
        publisher: Publisher,
        backlog: Backlog,
        tracing: Tracing,
        metrics: Metrics,
        deadline_seconds: float,
    ) -> None:
        self._database = database
        self._publisher = publisher
        self._backlog = backlog
        self._tracing = tracing
        self._metrics = metrics
        self._deadline_seconds = deadline_seconds
        self._waiting: queue.SimpleQueue[Application | None] = queue.SimpleQueue()
        self._open = threading.Event()

    def submit(self, application: Application) -> Future[Admitted]:
        if not self._open.is_set():
            raise Problem(503, "not-admitting", "not admitting", headers={"Retry-After": "1"})
        if self._backlog.full:
            raise _outbox_full()
        self._waiting.put(application)
        return application.answer

    def run(self) -> None:
        self._open.set()
        while (first := self._waiting.get()) is not None:
            if still := [each for each in (first, *self._others()) if each.is_waited_for()]:
                self._admit(still)

    def stop(self) -> None:
        """Take no more; whoever waits already is still served."""
        self._open.clear()
        self._waiting.put(None)

    def _others(self) -> list[Application]:
        found: list[Application] = []
        while len(found) < MOST_AT_ONCE and not self._waiting.empty():
            application = self._waiting.get()
            if application is None:
                self._waiting.put(None)
                break
            found.append(application)
        return found

    def _admit(self, applications: Sequence[Application]) -> None:
        try:
            admission = Admission(self._database, self._tracing, self._deadline_seconds)
            rows = admission.commit(applications)
        except AWAY as error:
            self._fail(applications, error)
            return
        except Exception as error:
            if len(applications) == 1:
                log.exception("an order cannot be admitted")
                self._fail(applications, error)
                return
            for one in applications:
                self._admit([one])
            return
        self._backlog.wrote(len(rows))
        self._publisher.publish(rows)
        admission.trace()
        for admitted in admission.fresh:
            self._metrics.placed.labels(admitted.mode.value).inc()
        admission.answer(applications)

    def _fail(self, applications: Sequence[Application], error: Exception) -> None:
        for application in applications:
            application.answer.set_exception(error)


def _outbox_full() -> Problem:
    detail = "too many messages wait for the broker; this order was not accepted"
    return Problem(503, "outbox-full", detail, headers={"Retry-After": str(FULL_RETRY_SECONDS)})
