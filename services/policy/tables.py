"""The port to what a point keeps of its decisions: an append-only log, and the limits' accounts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from services.kit.message import SagaId
from services.policy.bench import Bench
from services.policy.ruling import Books, Claim


class PolicyTables(Protocol):
    def open(self, connection: Any, claims: Sequence[Claim]) -> Books:
        """The database's time and what was spent; the accounts stay locked until the commit."""

    def close(self, connection: Any, bench: Bench) -> None:
        """Write what was decided and spent, in the transaction of the steps themselves."""

    def release(self, connection: Any, orders: Sequence[SagaId]) -> None:
        """Give back what these orders took: nothing came of them, and nothing will."""
