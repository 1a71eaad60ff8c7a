"""`out/report.json`, field by field. The page is made of it and of nothing else.

None never stands for nought: a quantile has too few samples, a broker or database whose CPU is
asked for runs elsewhere, or no order was traced.
"""

from datetime import datetime

import msgspec

from lab.quantiles import Quantiles
from lab.report.monitoring import Monitoring
from lab.report.panels import Drawn
from lab.verify.invariants import Verdict

MODES = ("orchestration", "choreography")


class Step(msgspec.Struct, frozen=True):
    """When a fact about a confirmed order was known, counted from its placing."""

    step: str
    ms: Quantiles


class Stretch(msgspec.Struct, frozen=True):
    """One load in one mode, and what it cost."""

    loop: str
    orders: int
    confirmed: int
    rejected: int
    reasons: dict[str, int]
    latency_ms: Quantiles
    latency_curve_ms: list[float]
    reply_ms: Quantiles
    throughput_per_s: float | None
    messages_per_order: float
    bytes_per_order: float
    offset_commits_per_order: float
    transactions_per_order: float
    batches_per_order: float
    spans_per_order: float | None
    cpu_ms_per_order: float | None
    cpu_ms_per_order_by_process: dict[str, float]
    steps: list[Step]


class Whereabouts(msgspec.Struct, frozen=True):
    """The question "where is order X", asked of orders under way."""

    asked: int
    under_way: int
    places: float | None
    ms: Quantiles


class Mode(msgspec.Struct, frozen=True):
    """One mode's own phase. Latency is the steady stretch's; throughput and CPU are the burst's,
    since at a low rate most CPU goes into being idle."""

    orders: int
    confirmed: int
    rejected: int
    latency_ms: Quantiles
    throughput_per_s: float | None
    messages_per_order: float
    cpu_ms_per_order: float | None
    steady: Stretch
    burst: Stretch
    whereabouts: Whereabouts


class Moment(msgspec.Struct, frozen=True):
    """One switch: seconds since the load began; `drain_seconds` until the drain was proven,
    `last_closed_after` until the old mode's last saga was closed."""

    seconds: float
    mode: str
    epoch: int
    drain_seconds: float | None
    last_closed_after: float | None


class Timeline(msgspec.Struct, frozen=True):
    """Open sagas by mode, at `seconds` since the load began."""

    seconds: list[float]
    open: dict[str, list[int]]


class Switch(msgspec.Struct, frozen=True):
    switches: int
    orders: int
    lost: int
    duplicated: int
    stuck: int
    drain_seconds: list[float]
    rate: float
    moments: list[Moment]
    timeline: Timeline


class FaultCost(msgspec.Struct, frozen=True):
    """A mode's latency without and with faults, at the same rate."""

    without: Quantiles
    faulty: Quantiles


class Faults(msgspec.Struct, frozen=True):
    """`met` are counted by the services and miss what a killed one counted in its last second;
    `restarts` are the supervisor's own."""

    rules: list[str]
    met: dict[str, dict[str, int]]
    restarts: dict[str, int]
    repeated_requests: int
    cost: dict[str, FaultCost]


class Misbehaviour(msgspec.Struct, frozen=True):
    """What one way to misbehave came to: of its `acts` some were prevented; the others were done,
    and an auditor found them afterwards, or did not."""

    acts: int
    prevented: int
    detected: int
    undetected: int


class Policy(msgspec.Struct, frozen=True):
    """One mode's rule changes under load, and what became of a participant that went by old rules,
    and that acted without being asked.

    `points` had to learn of a change; at most `skew_seconds` later the last of them enforced it,
    and `slipped` orders passed meanwhile, also by the version that they slipped through. `coverage`
    is the share of steps that were under a rule, of those that were done or refused and that a rule
    could guard. Bypasses are those of every `misbehaviour`.

    A rule that needs another service's fact takes `fact_rule_lines`. The `fact_listeners` then act
    upon events that were noise to them, by service; of those, `fact_topics` are on topics that they
    were not subscribed to.
    """

    points: int
    skew_seconds: float | None
    slipped: int
    decision_us: float | None
    bypasses_prevented: int
    bypasses_detected: int
    orders: int
    denied: int
    coverage: float | None
    fact_rule_lines: int = 0
    fact_listeners: dict[str, list[str]] = {}
    fact_topics: dict[str, list[str]] = {}
    slipped_by_version: dict[str, int] = {}
    misbehaviour: dict[str, Misbehaviour] = {}


class Machine(msgspec.Struct, frozen=True):
    cores: int
    python: str
    system: str
    kafka: str
    postgres: str


class Spread(msgspec.Struct, frozen=True):
    median: float
    longest: float


class Recovery(msgspec.Struct, frozen=True):
    """How long a fault was felt, over the cells of a crash matrix; seconds from its beginning.
    `lasted_seconds`: until it was taken away, where it is not over at once."""

    fault: str
    service: str
    mode: str
    cells: int
    lasted_seconds: float | None
    gap_seconds: Spread | None
    backlog_seconds: Spread | None
    worst_seconds: Spread | None


class Chaos(msgspec.Struct, frozen=True):
    """`rate` is orders a second; `struck` counts the cells in which the fault really happened."""

    cells: int
    struck: int
    violations: int
    rate: float | None
    rows: list[Recovery]


class Report(msgspec.Struct, frozen=True):
    made_at: datetime
    seed: int
    seconds: float
    machine: Machine
    modes: dict[str, Mode]
    switch: Switch
    faults: Faults
    invariants: list[Verdict]
    chaos: Chaos | None = None
    policy: dict[str, Policy] = {}
    monitoring: Monitoring | None = None
    panels: list[Drawn] | None = None

    @property
    def sound(self) -> bool:
        switch = self.switch
        return not (switch.lost or switch.duplicated or switch.stuck) and all(
            verdict.holds for verdict in self.invariants
        )
