"""What a soak has shown."""

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from lab.load.summary import Summary
from lab.soak.trend import ProcessTrend, Trend, over_minutes
from lab.soak.weather import Weather
from lab.verify.invariants import Verdict


class Minute(msgspec.Struct, frozen=True):
    """`latency_ms` in `load` is from admission to the end, by the mode of the order."""

    minute: int
    faults: list[str]
    killed: str
    load: Summary


class Soak(msgspec.Struct, frozen=True):
    """`latency_ms` is how a mode's median went from minute to minute."""

    seed: int
    concurrency: int
    orders: int
    minutes: list[Minute]
    memory: list[ProcessTrend]
    latency_ms: dict[str, Trend]
    quiet: bool
    invariants: list[Verdict]

    @property
    def failures(self) -> list[str]:
        return list(_failures(self))


def result(
    seed: int,
    concurrency: int,
    played: Iterable[tuple[Weather, Summary]],
    memory: list[ProcessTrend],
    quiet: bool,
    invariants: list[Verdict],
) -> Soak:
    minutes = [
        Minute(number, weather.rules, weather.victim, load)
        for number, (weather, load) in enumerate(played, 1)
    ]
    orders = sum(each.load.accepted for each in minutes)
    latency = latency_by_mode(minutes)
    return Soak(seed, concurrency, orders, minutes, memory, latency, quiet, invariants)


def latency_by_mode(minutes: Sequence[Minute]) -> dict[str, Trend]:
    modes = sorted({mode for each in minutes for mode in each.load.modes})
    return {mode: over_minutes(_medians(minutes, mode)) for mode in modes}


def _medians(minutes: Sequence[Minute], mode: str) -> Iterator[float | None]:
    for each in minutes:
        found = each.load.modes.get(mode)
        yield found.latency_ms.p50 if found else None


def _failures(soak: Soak) -> Iterator[str]:
    for each in soak.minutes:
        load = each.load
        if not load.sound:
            found = f"{load.lost} lost, {load.unended} not ended, {load.duplicated} duplicated"
            yield f"minute {each.minute}: {found}"
    if not soak.quiet:
        yield "it did not get quiet"
    for verdict in soak.invariants:
        if not verdict.holds:
            yield f"does not hold: {verdict.name}"
