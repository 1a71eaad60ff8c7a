"""The one place where a process is put together: settings in, a running service out."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import uvicorn
from fastapi import FastAPI
from kafka.errors import KafkaError
from starlette.concurrency import run_in_threadpool

from services.kit import fault_store
from services.kit.api import Alive, common_routes, make_app
from services.kit.backlog import Backlog
from services.kit.broker import COMPACTED, Later, make_admin, make_producer, make_topics
from services.kit.connection import AWAY
from services.kit.dead_letters import topic_of_letters
from services.kit.faults import Faults
from services.kit.message import Mode
from services.kit.metrics import Metrics
from services.kit.migrate import count_start, migrate
from services.kit.pool import Pool, make_pool
from services.kit.postgres import PostgresDatabase
from services.kit.probe import BrokerProbe
from services.kit.readiness import Readiness
from services.kit.relay import Relay
from services.kit.remaining import remaining_route
from services.kit.service import Background, Deps, Parts, Service
from services.kit.settings import Settings
from services.kit.signals import end_by_request
from services.kit.topics import topics_in
from services.kit.tracing import Tracing
from services.kit.worker import Worker
from services.kit.workers import Workers
from services.messages import KINDS
from services.policy.attach import enforcing
from services.policy.point import EnforcementPoint
from services.policy.rulebook import Rules
from services.policy.store import PostgresPolicyTables, read_kept

log = logging.getLogger(__name__)

RETRY_SECONDS = 0.5
STOP_SECONDS = 4.0
SERVICES = ("order", "inventory", "payment", "shipping", "notification", "orchestrator")
OPTIONAL = ("saga-tracker",)
EVERY_SERVICE = (*SERVICES, *OPTIONAL)


def run(service: Service, settings: Settings) -> int:
    """Serve until SIGTERM or SIGINT; the exit code is 0 unless the worker failed."""
    process = Process(service, settings)
    process.serve()
    return 1 if process.failed else 0


class Process:
    """Alive from the first second; ready when database and broker answer."""

    def __init__(self, service: Service, settings: Settings) -> None:
        self._service = service
        self._settings = settings
        self._metrics = Metrics(service.name)
        self._tracing = Tracing(service.name, settings.instance, self._metrics, *settings.tracing)
        self._faults = Faults()
        self._rules = Rules()
        self._backlog = Backlog(settings.outbox_limit)
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._parts: Parts | None = None
        self._workers: list[Worker] = []
        self._relay: Relay | None = None
        self._producer: Any = None
        self._databases: list[PostgresDatabase] = []
        self._pool: Pool = make_pool(settings, service.schema)
        self._alive = Alive(service=service.name, instance=settings.instance, incarnation=0)
        self._probe = BrokerProbe(lambda: make_admin(settings))
        self._migrated = False
        self._readiness = Readiness(lambda: self._migrated, self._pool, self._probe.answers)
        self._broken = False

    @property
    def failed(self) -> bool:
        return self._broken or any(worker.failure is not None for worker in self._workers)

    def serve(self) -> None:
        config = uvicorn.Config(
            self.app(),
            host=self._settings.host,
            port=self._settings.port,
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=3,
            timeout_keep_alive=30,
        )
        server = uvicorn.Server(config)
        end_by_request(server)
        server.run()

    def app(self) -> FastAPI:
        router = common_routes(
            self._alive,
            self._readiness,
            self._metrics,
            self._faults,
            self._pool,
            self._settings.token,
        )
        service = self._service
        app = make_app(service.name, service.summary, self._lifespan, self._metrics, router)
        self._include_parts(app)
        return app

    def _include_parts(self, app: FastAPI) -> None:
        """The routes are there from the start; what they need comes when it can be reached."""
        points = self._faults.crash_points
        self._relay = Relay(Later(lambda: self._producer), self._metrics, self._tracing, points)
        deps = Deps(
            settings=self._settings,
            metrics=self._metrics,
            tracing=self._tracing,
            faults=self._faults,
            point=EnforcementPoint(self._rules, PostgresPolicyTables()),
            relay=self._relay,
            backlog=self._backlog,
            pool=self._pool,
            probe=self._probe,
            database=self._database,
        )
        parts, service = self._service.build(deps), self._service
        self._parts = enforcing(service.name, parts, deps) if service.enforces else parts
        app.include_router(self._parts.router)
        groups = [self._service.name, *(each.group for each in self._parts.listeners)]
        app.include_router(remaining_route(self._pool, self._probe, groups))

    @asynccontextmanager
    async def _lifespan(self, _: FastAPI) -> AsyncIterator[None]:
        starter = threading.Thread(target=self._start, name="starter", daemon=True)
        starter.start()
        try:
            yield
        finally:
            await run_in_threadpool(self._stop)

    def _start(self) -> None:
        try:
            self._prepare_database()
            self._prepare_broker()
        except InterruptedError:
            return
        except Exception:
            self._break("the start")
            return
        self._start_threads()

    def _prepare_database(self) -> None:
        url, service = self._settings.database_url, self._service
        while True:
            try:
                with migrate(url, service.schema, service.sql) as connection:
                    service.prepare(self._settings, connection)
                    starts = count_start(connection, self._settings.instance)
                    fault_store.refresh(self._faults, connection)
                    self._rules.adopt(read_kept(connection))
                break
            except AWAY as error:
                self._wait(f"the database does not answer yet: {str(error).strip()}")
        self._alive.incarnation = self._faults.incarnation = starts
        self._metrics.incarnation.set(starts)
        self._pool.open(wait=False)
        self._migrated = True

    def _prepare_broker(self) -> None:
        while True:
            try:
                make_topics(self._settings, all_topics(), self._own_topics())
                self._producer = make_producer(self._settings)
                return
            except (KafkaError, OSError) as error:
                self._wait(f"the broker does not answer yet: {error}")

    def _own_topics(self) -> set[str]:
        """Without these there is nothing that this service could do."""
        assert self._parts is not None
        heard = {topic for each in self._parts.listeners for topic in each.topics}
        return {*self._parts.topics, *heard, topic_of_letters(self._service.name)}

    def _wait(self, why: str) -> None:
        log.warning("%s", why)
        if self._stopping.wait(RETRY_SECONDS):
            raise InterruptedError

    def _start_threads(self) -> None:
        assert self._parts is not None
        assert self._relay is not None
        workers = Workers(
            self._service,
            self._settings,
            self._metrics,
            self._tracing,
            self._faults,
            self._backlog,
            self._relay,
            self._pool,
            self._database,
        )
        listeners = map(workers.make_listener, self._parts.listeners)
        self._workers = [workers.make(self._parts), *listeners]
        self._readiness.workers = self._workers
        for background in self._parts.background:
            self._spawn(lambda background=background: self._serve_behind(background), "background")
        for number, worker in enumerate(self._workers):
            self._spawn(lambda worker=worker: self._work(worker), f"worker-{number}")

    def _serve_behind(self, background: Background) -> None:
        """Without it the process would be ready and answer nobody."""
        try:
            background.run()
        except Exception:
            self._break(type(background).__name__)

    def _break(self, what: str) -> None:
        log.exception("%s failed; this process ends", what)
        self._broken = True
        os.kill(os.getpid(), signal.SIGTERM)

    def _work(self, worker: Worker) -> None:
        worker.run()
        if worker.failure and not self._stopping.is_set():
            os.kill(os.getpid(), signal.SIGTERM)

    def _database(self, name: str) -> PostgresDatabase:
        url, schema = self._settings.database_url, self._service.schema
        took = self._metrics.transaction_duration.labels(name).observe
        database = PostgresDatabase(url, schema, f"{self._settings.instance} {name}", took)
        self._databases.append(database)
        return database

    def _spawn(self, target: Any, name: str) -> None:
        thread = threading.Thread(target=target, name=name, daemon=True)
        thread.start()
        self._threads.append(thread)

    def _stop(self) -> None:
        """Take no more work, finish what is held, commit, leave the group, flush."""
        self._stopping.set()
        deadline = time.monotonic() + STOP_SECONDS
        if self._parts is not None:
            for background in self._parts.background:
                background.stop()
        for worker in self._workers:
            worker.stop()
        for thread in self._threads:
            thread.join(max(deadline - time.monotonic(), 0.1))
        self._finish()

    def _finish(self) -> None:
        if self._producer is not None and self._relay is not None:
            self._relay.flush(2.0)
            with suppress(*AWAY):
                for database in self._databases[:1]:
                    self._relay.forget(database)
            with suppress(KafkaError):  # what it still holds is in the outbox
                self._producer.close(timeout=1.0)
        for database in self._databases:
            database.close()
        self._probe.close()
        self._pool.close(1.0)
        self._tracing.shutdown()


def all_topics() -> list[str]:
    return sorted([*topics_in(Mode, KINDS), *map(topic_of_letters, EVERY_SERVICE), *COMPACTED])
