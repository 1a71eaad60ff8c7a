"""What a fault was seen to do."""

from collections.abc import Callable

import msgspec


class Seen(msgspec.Struct, frozen=True):
    """`hits`: how often it really struck, by the word of whom it struck; `more` by name."""

    hits: int
    more: dict[str, int] = {}


Strike = Callable[[], Seen]
