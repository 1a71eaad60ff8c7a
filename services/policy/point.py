"""What makes a process a policy enforcement point: rules to enforce and tables to answer for it."""

from __future__ import annotations

from dataclasses import dataclass

from services.policy.rulebook import Rules
from services.policy.tables import PolicyTables


@dataclass(frozen=True)
class EnforcementPoint:
    rules: Rules
    tables: PolicyTables
