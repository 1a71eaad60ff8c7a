"""What goes wrong in each minute, decided by a seed before it begins."""

from collections.abc import Sequence
from random import Random

import msgspec

from services.kit.faults import Catalogue, Fault, Rule

MINUTE_SECONDS = 60.0
LIKELY = 0.6
MOST = {
    Fault.FAIL: 5.0,
    Fault.REFUSE: 2.0,
    Fault.DELAY: 5.0,
    Fault.DUPLICATE_PUBLISH: 5.0,
}
DELAYS_MS = (50, 250, 1_000)
EARLIEST, LATEST = 0.25, 0.6


class Weather(msgspec.Struct, frozen=True):
    """One process is killed in each minute; the others live on, so that their memory is seen to
    grow or not."""

    catalogue: Catalogue
    victim: str
    kill_at: float

    @property
    def rules(self) -> list[str]:
        return [f"{rule.fault} {rule.percent:g} %" for rule in self.catalogue.rules]


def forecast(seed: int, minute: int, instances: Sequence[str]) -> Weather:
    random = Random(f"{seed} {minute}")
    rules = tuple(
        Rule(fault, round(random.uniform(0.1, most), 1), delay_ms=random.choice(DELAYS_MS))
        for fault, most in MOST.items()
        if random.random() < LIKELY
    )
    kill_at = MINUTE_SECONDS * random.uniform(EARLIEST, LATEST)
    return Weather(Catalogue(seed, rules), random.choice(sorted(instances)), kill_at)
