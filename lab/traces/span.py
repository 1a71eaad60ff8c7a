"""A span as this package wants it, whichever backend it came from."""

from collections.abc import Iterable, Mapping
from enum import StrEnum

import msgspec


class Kind(StrEnum):
    SAGA = "saga"
    ADMIT = "admit"
    TIMEOUT = "timeout"
    SEND = "send"
    PROCESS = "process"
    OTHER = "other"


class Span(msgspec.Struct, frozen=True):
    """Times are microseconds since the epoch; `parent` may be of somebody else's trace. Where a
    span has no parent but a link, as services can be told to do it, that is its parent here."""

    id: str
    parent: str | None
    name: str
    service: str
    start_us: int
    end_us: int
    tags: Mapping[str, str] = {}
    trace: str = ""

    @property
    def kind(self) -> Kind:
        word = self.name.partition(" ")[0]
        return Kind(word) if word in set(Kind) else Kind.OTHER

    @property
    def step(self) -> str:
        return self.tags.get("saga.step", self.name)

    @property
    def database_us(self) -> int:
        """What it waited for the database, by its own account; never more than it lasted."""
        told = float(self.tags.get("bandstand.database_seconds", 0))
        return min(round(told * 1_000_000), self.end_us - self.start_us)

    @property
    def mode(self) -> str:
        return self.tags.get("saga.mode", "")

    @property
    def outcome(self) -> str:
        return self.tags.get("saga.outcome", "")


def is_of(spans: Iterable[Span], mode: str, outcome: str | None) -> bool:
    """Whether they are those of such a saga: its root says it, and nothing does without that."""
    root = next((span for span in spans if span.kind is Kind.SAGA), None)
    return root is not None and root.mode == mode and outcome in (None, root.outcome)
