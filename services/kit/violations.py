"""The error of a command that no correct saga sends."""

from __future__ import annotations


class Violation(RuntimeError):
    """Doing it would break an invariant; the message belongs in the dead-letter topic."""
