"""What monitoring is worth, as figures: the part of the report that has three columns."""

import msgspec

from lab.quantiles import Quantiles

UNTRACKED = "choreography"
TRACKED = "choreography, with a tracker"
CONDUCTED = "orchestration"
VARIANTS = (UNTRACKED, TRACKED, CONDUCTED)


class Watched(msgspec.Struct, frozen=True):
    """One way of knowing where sagas stand.

    `noticed` are stalled sagas that it found without being asked, `noticed_ms` how long after their
    placing, `said` what it then named. `right` of the `asked` were told what they wait for.
    `known_share` is of open sagas under load. `knower_cpu_ms_per_order` is the process that knows,
    without its share of database and broker; None where nobody does.
    """

    noticed: int
    noticed_ms: Quantiles
    said: list[str]
    asked: int
    right: int
    places: float
    answer_ms: Quantiles
    known_share: float
    lag_ms: Quantiles | None
    queries: int
    series: int
    span_bytes_per_order: float | None
    knower_cpu_ms_per_order: float | None


class Monitoring(msgspec.Struct, frozen=True):
    """`stalled` sagas of each mode waited for `fault`; `orders` a mode were the load."""

    fault: str
    stalled: dict[str, int]
    orders: int
    variants: dict[str, Watched]
