"""kopf watches; what an object needs is found out anew each time, whatever woke us.

Only `on.event` is used: a timer or a daemon of kopf's would put a finalizer on the object, and
uninstalling would hang whenever the operator goes first.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import kopf

from coordination_operator.api_server import log_in
from coordination_operator.resources import GROUP, PLURAL, VERSION

log = logging.getLogger(__name__)

Reconcile = Callable[[], timedelta]
Farewell = Callable[[dict[str, Any]], None]


class Watch:
    """Reconciles one object, again and again; a change of what is asked for comes before the time
    is up, but a change of what is reported does not."""

    def __init__(
        self, reconcile: Reconcile, farewell: Farewell, broken: Callable[[], None]
    ) -> None:
        self._reconcile = reconcile
        self._farewell = farewell
        self._broken = broken
        self._wake = asyncio.Event()
        self._asked: object = None
        self._task: asyncio.Task[None] | None = None

    async def heard(self, event: dict[str, Any]) -> None:
        body = event["object"]
        if event["type"] == "DELETED":
            await self.end()
            await asyncio.to_thread(self._farewell, body)
            return
        meta = body["metadata"]
        asked = meta.get("uid"), meta.get("generation"), _ours(meta.get("annotations", {}))
        if asked != self._asked:
            self._asked = asked
            self._wake.set()
        if self._task is None:
            self._task = asyncio.create_task(self._again_and_again())
            self._task.add_done_callback(self._ended)

    async def _again_and_again(self) -> None:
        while True:
            self._wake.clear()
            patience = await asyncio.to_thread(self._reconcile)
            try:
                await asyncio.wait_for(self._wake.wait(), patience.total_seconds())
            except TimeoutError:
                continue

    def _ended(self, task: asyncio.Task[None]) -> None:
        """What was not foreseen ends the process, which starts anew; it must not end silently."""
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("the reconciliation failed", exc_info=error)
            self._broken()

    async def end(self) -> None:
        self._asked = None
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None


def _ours(annotations: dict[str, str]) -> tuple[tuple[str, str], ...]:
    ours = {key: value for key, value in annotations.items() if key.startswith(f"{GROUP}/")}
    return tuple(sorted(ours.items()))


def make_registry(
    reconcile: Reconcile,
    farewell: Farewell,
    broken: Callable[[], None],
    over: Callable[[], None],
) -> Any:
    """`over` has to set kopf's stop flag: a thread of kopf's waits for that, and kopf for it."""
    registry = kopf.OperatorRegistry()
    watches: dict[str, Watch] = {}

    kopf.on.login(registry=registry)(log_in)

    @kopf.on.startup(registry=registry)
    def configure(settings: kopf.OperatorSettings, **_: Any) -> None:
        """No permission is asked for that is not needed: nothing outside of one namespace."""
        settings.scanning.disabled = True
        settings.posting.enabled = False
        settings.watching.server_timeout = 270

    @kopf.on.cleanup(registry=registry)
    async def end(**_: Any) -> None:
        await asyncio.gather(*(watch.end() for watch in watches.values()))
        over()

    @kopf.on.event(GROUP, VERSION, PLURAL, registry=registry)
    async def changed(event: Any, name: str, **_: Any) -> None:
        watch = watches.setdefault(name, Watch(reconcile, farewell, broken))
        await watch.heard(event)

    return registry
