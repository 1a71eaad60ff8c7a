"""kopf watches; what an object needs is found out anew each time, whatever woke us.

Only `on.event` is used: a timer or a daemon of kopf's would put a finalizer on the object, and
uninstalling would hang whenever the operator goes first. What is owed to an object that is gone is
remembered elsewhere (`memory.py`), so it is looked once when the operator begins, too.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import kopf

from coordination_operator import policy_resources
from coordination_operator.api_server import log_in
from coordination_operator.resources import GROUP, PLURAL, VERSION

log = logging.getLogger(__name__)

Reconcile = Callable[[], timedelta | None]
Beat = Callable[[], None]


class Rounds:
    """Reconciles again and again, before its time is up when it is woken. Beats meanwhile, as long
    as the loop turns and no round lasts longer than one does in the worst of weathers."""

    PULSE_SECONDS = 5.0
    LONGEST_ROUND_SECONDS = 600.0

    def __init__(self, reconcile: Reconcile, broken: Callable[[], None], beat: Beat) -> None:
        self._reconcile = reconcile
        self._broken = broken
        self._beat = beat
        self._wake = asyncio.Event()
        self._began: float | None = None
        self._tasks: tuple[asyncio.Task[None], ...] = ()

    def wake(self) -> None:
        self._wake.set()
        if not self._tasks:
            self._tasks = tuple(map(asyncio.create_task, (self._again_and_again(), self._pulse())))
            for task in self._tasks:
                task.add_done_callback(self._ended)

    async def _pulse(self) -> None:
        while True:
            lasts = 0.0 if self._began is None else time.monotonic() - self._began
            if lasts < self.LONGEST_ROUND_SECONDS:
                self._beat()
            await asyncio.sleep(self.PULSE_SECONDS)

    async def _again_and_again(self) -> None:
        while True:
            self._wake.clear()
            self._began = time.monotonic()
            patience = await asyncio.to_thread(self._reconcile)
            self._began = None
            seconds = patience.total_seconds() if patience is not None else None
            try:
                await asyncio.wait_for(self._wake.wait(), seconds)
            except TimeoutError:
                continue

    def _ended(self, task: asyncio.Task[None]) -> None:
        """What was not foreseen ends the process, which starts anew; it must not end silently."""
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("the reconciliation failed", exc_info=error)
            self._broken()

    async def end(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = ()


class Watch:
    """Of all objects of a kind, which are looked after together. A change of what is asked for
    wakes, and one that is gone; a change of what is reported does not."""

    def __init__(self, reconcile: Reconcile, broken: Callable[[], None], beat: Beat) -> None:
        self._rounds = Rounds(reconcile, broken, beat)
        self._asked: dict[str, object] = {}

    async def heard(self, event: dict[str, Any]) -> None:
        body = event["object"]
        name = body["metadata"]["name"]
        before = self._asked.pop(name, None)
        if event["type"] != "DELETED":
            self._asked[name] = _asked(body)
        if before != self._asked.get(name):
            self._rounds.wake()

    def begin(self) -> None:
        """There may be something to do for objects that are gone."""
        self._rounds.wake()

    async def end(self) -> None:
        await self._rounds.end()


def _asked(body: dict[str, Any]) -> object:
    meta = body["metadata"]
    leaving = "deletionTimestamp" in meta
    ours = _ours(meta.get("annotations", {}))
    return meta.get("uid"), meta.get("generation"), leaving, ours


def _ours(annotations: dict[str, str]) -> tuple[tuple[str, str], ...]:
    ours = {key: value for key, value in annotations.items() if key.startswith(f"{GROUP}/")}
    return tuple(sorted(ours.items()))


def make_registry(
    reconcile: Reconcile,
    reconcile_policies: Reconcile,
    broken: Callable[[], None],
    over: Callable[[], None],
    beat: Callable[[str], None],
) -> Any:
    """`over` has to set kopf's stop flag: a thread of kopf's waits for that, and kopf for it."""
    registry = kopf.OperatorRegistry()
    coordination = Watch(reconcile, broken, partial(beat, PLURAL))
    policies = Watch(reconcile_policies, broken, partial(beat, policy_resources.PLURAL))

    kopf.on.login(registry=registry)(log_in)

    @kopf.on.startup(registry=registry)
    def configure(settings: kopf.OperatorSettings, **_: Any) -> None:
        """No permission is asked for that is not needed: nothing outside of one namespace."""
        settings.scanning.disabled = True
        settings.posting.enabled = False
        settings.watching.server_timeout = 270

    @kopf.on.startup(registry=registry)
    async def begin(**_: Any) -> None:
        coordination.begin()
        policies.begin()

    @kopf.on.cleanup(registry=registry)
    async def end(**_: Any) -> None:
        await asyncio.gather(policies.end(), coordination.end())
        over()

    @kopf.on.event(GROUP, VERSION, PLURAL, registry=registry)
    async def changed(event: Any, **_: Any) -> None:
        await coordination.heard(event)

    @kopf.on.event(GROUP, VERSION, policy_resources.PLURAL, registry=registry)
    async def policy_changed(event: Any, **_: Any) -> None:
        await policies.heard(event)

    return registry
