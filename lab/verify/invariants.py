"""What must be true of everything that ever ran. Each invariant is the query of its name."""

from collections.abc import Iterator

import msgspec

from lab.database import Database, query

INVARIANTS = (
    "every_accepted_order_ends",
    "confirmed_means_done_exactly_once",
    "rejected_means_nothing_is_left",
    "stock_adds_up",
    "money_adds_up",
    "no_effect_happened_twice",
    "no_saga_changed_mode",
    "every_mode_was_routed",
    "notifications_agree_with_the_end",
    "sagas_agree_with_their_orders",
)


class Found(msgspec.Struct, frozen=True):
    """A query's only row; `example` identifies one of the violations."""

    checked: int
    violations: int
    example: str | None


class Verdict(msgspec.Struct, frozen=True):
    name: str
    checked: int
    violations: int
    example: str | None = None

    @property
    def holds(self) -> bool:
        return self.violations == 0


def verify(database: Database) -> Iterator[Verdict]:
    """One after the other, so that a long check can be watched."""
    for name in INVARIANTS:
        found = database.row(query(__file__, name), Found)
        yield Verdict(title(name), found.checked, found.violations, found.example)


def title(name: str) -> str:
    return name.replace("_", " ")
