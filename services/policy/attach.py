"""Makes of a service one that enforces rules: it hears of them, and shows how it decided."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from services.kit.retention import Retention
from services.kit.service import Deps, Parts
from services.policy.api import make_router
from services.policy.reader import Adoption
from services.policy.rules import LONGEST_WINDOW_SECONDS

# Nothing looks further back than the longest window that a limit may have.
ACCOUNTS: Final = Retention("spent", "at", LONGEST_WINDOW_SECONDS)


def enforcing(name: str, parts: Parts, deps: Deps) -> Parts:
    adoption = Adoption(deps.settings, name, deps.point.rules, deps.pool, deps.relay, deps.metrics)
    parts.router.include_router(make_router(name, deps.pool))
    return replace(
        parts,
        background=(*parts.background, adoption),
        retentions=(*parts.retentions, ACCOUNTS),
    )
