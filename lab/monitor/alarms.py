"""Who notices that a saga makes no progress, and when: read off the metrics, as Prometheus would,
ten times a second."""

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Self

import msgspec

from lab.api import Api
from lab.monitor.exposition import samples
from services.kit.message import Mode

PAUSE_SECONDS = 0.1


class Alarm(msgspec.Struct, frozen=True):
    """A metric of one service that rises by one for each saga of `mode` that is found late,
    whichever of its instances, at `urls`, finds it; `says` is the label that tells what is known
    of it."""

    urls: Sequence[str]
    metric: str
    mode: Mode
    says: str


class Noticed(msgspec.Struct, frozen=True):
    """`at` are times of the monotonic clock: when the first, the second, … was noticed."""

    at: list[float]
    said: list[str]


class Alarms:
    """Counts from what they show when the watch begins."""

    def __init__(self, alarms: Mapping[str, Alarm]) -> None:
        self._alarms = alarms
        self._open = ExitStack()
        self._apis: dict[str, list[Api]] = {}
        self._base: dict[str, Mapping[str, float]] = {}
        self._at: dict[str, list[float]] = {name: [] for name in alarms}
        self._said: dict[str, set[str]] = {name: set() for name in alarms}

    def __enter__(self) -> Self:
        for name, alarm in self._alarms.items():
            self._apis[name] = [self._open.enter_context(Api(url)) for url in alarm.urls]
            self._base[name] = self._read(name)
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def wait(self, expected: Mapping[str, int], timeout: float) -> None:
        """Until each has noticed as many, or the time is over: then the rest was not noticed."""
        deadline = time.monotonic() + timeout
        while self._left(expected) and time.monotonic() < deadline:
            for name in self._left(expected):
                self._look(name)
            time.sleep(PAUSE_SECONDS)

    def noticed(self, name: str) -> Noticed:
        return Noticed(self._at[name], sorted(self._said[name]))

    def _left(self, expected: Mapping[str, int]) -> Sequence[str]:
        return [name for name, count in expected.items() if len(self._at[name]) < count]

    def _look(self, name: str) -> None:
        found, now, base = self._read(name), time.monotonic(), self._base[name]
        risen = {what: count - base.get(what, 0) for what, count in found.items()}
        new = round(sum(risen.values())) - len(self._at[name])
        if new > 0:
            self._at[name] += [now] * new
            self._said[name] |= {what for what, count in risen.items() if count > 0}

    def _read(self, name: str) -> Mapping[str, float]:
        alarm, found = self._alarms[name], defaultdict[str, float](float)
        for api in self._apis[name]:
            for each in samples(api.text("/metrics")):
                if each.name == alarm.metric and each.labels.get("mode") == alarm.mode:
                    found[each.labels[alarm.says]] += each.value
        return found
