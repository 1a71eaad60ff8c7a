"""Which mode new orders are admitted in, and how to change it without overruling anybody."""

import time
from collections.abc import Callable
from datetime import datetime

import msgspec

from lab.api import Api, ProblemError
from services.kit.message import Mode

ATTEMPTS = 5
STALE = 409
PAUSE_SECONDS = 0.2


class Open(msgspec.Struct, frozen=True):
    mode: Mode
    epoch: int
    orders: int


class Route(msgspec.Struct, frozen=True):
    """`weight` percent of new orders are admitted in `mode`, the others in the other mode."""

    mode: Mode
    weight: int
    epoch: int
    changed_at: datetime
    open: list[Open]

    @property
    def text(self) -> str:
        if self.weight == 100:
            return f"{self.mode} (epoch {self.epoch})"
        rest = 100 - self.weight
        return f"{self.weight} % {self.mode}, {rest} % {self.mode.other} (epoch {self.epoch})"

    def leaves(self, mode: Mode) -> bool:
        """Whether no new order is admitted in `mode` any more."""
        share = self.weight if mode is self.mode else 100 - self.weight
        return share == 0


class _Wish(msgspec.Struct):
    mode: Mode
    weight: int
    epoch: int


def read_route(order: Api) -> Route:
    return order.get("/coordination", Route)


def switch(order: Api, mode: Mode, weight: int, say: Callable[[str], None]) -> Route:
    """Compare-and-set on the epoch: if somebody else switched meanwhile, that is said, and the
    wish is made again on top of theirs."""
    for attempt in range(ATTEMPTS):
        seen = read_route(order)
        try:
            return order.put("/coordination", _Wish(mode, weight, seen.epoch), Route)
        except ProblemError as error:
            if error.status != STALE or attempt == ATTEMPTS - 1:
                raise
            say(f"somebody else switched after epoch {seen.epoch}; reading the route again")
            time.sleep(PAUSE_SECONDS)
    raise AssertionError("unreachable")
