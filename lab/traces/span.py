"""A span as this package wants it, whichever backend it came from."""

from collections.abc import Mapping
from enum import StrEnum

import msgspec


class Kind(StrEnum):
    SAGA = "saga"
    SEND = "send"
    PROCESS = "process"
    OTHER = "other"


class Span(msgspec.Struct, frozen=True):
    """Times are microseconds since the epoch; `parent` may be of somebody else's trace."""

    id: str
    parent: str | None
    name: str
    service: str
    start_us: int
    end_us: int
    tags: Mapping[str, str] = {}

    @property
    def kind(self) -> Kind:
        word = self.name.partition(" ")[0]
        return Kind(word) if word in set(Kind) else Kind.OTHER

    @property
    def step(self) -> str:
        return self.tags.get("saga.step", self.name)

    @property
    def mode(self) -> str:
        return self.tags.get("saga.mode", "")
