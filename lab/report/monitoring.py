"""What monitoring is worth, as figures: the part of the report that has three columns."""

import msgspec

from lab.quantiles import Quantiles

UNTRACKED = "choreography"
TRACKED = "choreography, with a tracker"
CONDUCTED = "orchestration"
VARIANTS = (UNTRACKED, TRACKED, CONDUCTED)


class Answers(msgspec.Struct, frozen=True):
    """To "where is order X, and what does it wait for?"."""

    asked: int
    right: int
    places: float
    ms: Quantiles


class Watched(msgspec.Struct, frozen=True):
    """One way of knowing where sagas stand.

    `noticed` are stalled sagas that it found without being asked, `noticed_ms` how long after their
    placing, `said` what it then named. `right` of the `asked` were told by the order's timeline
    what they wait for; `word` is what who decides or tracks it answers, None where nobody does.
    `known_share` is of the open sagas under load: one place knew of them; `current_share`: it had
    heard the last word of everybody who had said something. `lag_ms` is how late it showed an order
    as over.
    `knower_cpu_ms_per_order` is the process that is there to know, without its share of database
    and broker; None where none is.
    """

    noticed: int
    noticed_ms: Quantiles
    said: list[str]
    asked: int
    right: int
    places: float
    answer_ms: Quantiles
    known_share: float
    current_share: float
    lag_ms: Quantiles
    queries: int
    series: int
    span_bytes_per_order: float | None
    knower_cpu_ms_per_order: float | None
    word: Answers | None = None


class Monitoring(msgspec.Struct, frozen=True):
    """`stalled` sagas of each mode waited for `fault`; `orders` a mode were the load. `scattered`
    is what choreography's answers would take if no service kept a timeline."""

    fault: str
    stalled: dict[str, int]
    orders: int
    scattered: Answers
    variants: dict[str, Watched]
