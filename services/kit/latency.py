"""How long a simulated third party takes; asked for many things at once, the longest counts."""

from __future__ import annotations

import time
from collections.abc import Sequence

from services.kit.faults import roll


class Latency:
    """Between half and one and a half times `mean_ms`, seeded by what is asked."""

    def __init__(self, mean_ms: float, seed: int) -> None:
        self._mean_ms = mean_ms
        self._seed = seed

    def seconds(self, question: str) -> float:
        return self._mean_ms * (0.5 + roll(self._seed, "latency", question) / 100) / 1000

    def wait(self, questions: Sequence[str]) -> None:
        longest = max((self.seconds(question) for question in questions), default=0.0)
        if longest > 0:
            time.sleep(longest)
