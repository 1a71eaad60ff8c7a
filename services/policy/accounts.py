"""What orders took from the accounts of limits, as far as their histories show it.

Counted against an order is only what was surely taken in one window with it: whatever moment each
of them was decided at. Orders come as they close, not as they were decided, so one that comes late
bears on those behind it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import msgspec

from services.kit.message import Mode, SagaId
from services.policy.evidence import Violation
from services.policy.rules import Limit

Account = tuple[str, str, Mode, str]


class Taken(msgspec.Struct, frozen=True):
    """Decided between `since` and `until`; `charge` is what its order is accused of if that was too
    much, and None where it is not sure by which rules it was decided."""

    since: float
    until: float
    amount: int
    limit: Limit
    charge: Violation | None = None

    def was_surely_with(self, other: Taken, window: float) -> bool:
        """In the window that ends no later than this one was told."""
        return other.until <= self.until and min(self.since, other.since) > self.until - window


@dataclass(frozen=True)
class Accounts:
    taken: dict[Account, dict[SagaId, Taken]] = field(default_factory=dict)

    def over(self, account: Account, order: SagaId, one: Taken) -> str | None:
        """Why this is too much, if it is."""
        window, most = one.limit.window_seconds, one.limit.at_most
        others = (each for other, each in self.taken.get(account, {}).items() if other != order)
        spent = sum(each.amount for each in others if one.was_surely_with(each, window))
        is_over = spent + one.amount > most
        return f"{spent} + {one.amount} of {most} for {account[1]}" if is_over else None

    def book(self, account: Account, order: SagaId, one: Taken) -> Iterator[Violation]:
        """Those that turn out to have been too much; what was too much has taken nothing."""
        booked = self.taken.setdefault(account, {})
        if order in booked:
            return
        booked[order] = one
        behind = [(each.until, other) for other, each in booked.items() if each.until > one.until]
        for _, other in sorted(behind):
            charge = booked[other].charge
            why = self.over(account, other, booked[other]) if charge is not None else None
            if charge is not None and why is not None:
                del booked[other]
                yield msgspec.structs.replace(charge, why=why)

    def forget(self, before: float) -> None:
        """What nothing looks back to."""
        for account, booked in list(self.taken.items()):
            recent = {order: one for order, one in booked.items() if one.since > before}
            if recent:
                self.taken[account] = recent
            else:
                del self.taken[account]
