"""What became of a load: the client's ledger held against what the database knows."""

import msgspec

from lab.database import Database, query
from lab.load.loops import Ledger
from lab.quantiles import Quantiles, measured, said

OUTCOME = query(__file__, "outcome")
REASONS = query(__file__, "reasons")
DUPLICATED = query(__file__, "duplicated")


class OutcomeRow(msgspec.Struct, frozen=True):
    mode: str
    orders: int
    confirmed: int
    rejected: int
    ended: int
    p50: float | None
    p95: float | None
    p99: float | None
    seconds: float | None


class ReasonRow(msgspec.Struct, frozen=True):
    mode: str
    reason: str
    orders: int


class _Twice(msgspec.Struct):
    orders: int


class ModeSummary(msgspec.Struct, frozen=True):
    """One mode's share of a load; `latency_ms` is from admission to the end."""

    orders: int
    confirmed: int
    rejected: int
    reasons: dict[str, int]
    latency_ms: Quantiles
    throughput_per_s: float | None

    @property
    def open(self) -> int:
        return self.orders - self.confirmed - self.rejected


class Summary(msgspec.Struct, frozen=True):
    """`lost`: accepted, but unknown to the database. `unended`: known, but not ended in time.
    `duplicated`: not under the key that was sent, so that it may be there twice."""

    planned: int
    accepted: int
    turned_away: int
    repeated: int
    reply_ms: Quantiles
    modes: dict[str, ModeSummary]
    lost: int
    unended: int
    duplicated: int

    @property
    def sound(self) -> bool:
        return not (self.lost or self.unended or self.duplicated)


def summarize(ledger: Ledger, database: Database) -> Summary:
    ids, told = ledger.ids, ledger.told
    return compose(
        ledger,
        database.rows(OUTCOME, OutcomeRow, ids=ids),
        database.rows(REASONS, ReasonRow, ids=ids),
        database.row(DUPLICATED, _Twice, keys=list(told), ids=list(told.values())).orders,
    )


def compose(
    ledger: Ledger, outcomes: list[OutcomeRow], reasons: list[ReasonRow], duplicated: int
) -> Summary:
    """Pure: every figure from what was seen, none made up where there are too few."""
    placed = ledger.placed
    known = sum(row.orders for row in outcomes)
    return Summary(
        planned=len(ledger.planned),
        accepted=len(placed),
        turned_away=len(ledger.turned_away),
        repeated=sum(one.order.attempts > 1 for one in placed),
        reply_ms=measured([one.reply_ms for one in placed]),
        modes={row.mode: _mode(row, reasons) for row in outcomes},
        lost=len(placed) - known,
        unended=known - sum(row.ended for row in outcomes),
        duplicated=duplicated,
    )


def _mode(row: OutcomeRow, reasons: list[ReasonRow]) -> ModeSummary:
    return ModeSummary(
        orders=row.orders,
        confirmed=row.confirmed,
        rejected=row.rejected,
        reasons={each.reason: each.orders for each in reasons if each.mode == row.mode},
        latency_ms=said(row.ended, row.p50, row.p95, row.p99),
        throughput_per_s=round(row.ended / row.seconds, 1) if row.seconds else None,
    )
