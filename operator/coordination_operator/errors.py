"""What can go wrong outside, and what it means here.

OutsideError
├── Unavailable    nobody answered, or nothing that can be read: look again later
└── Stale          somebody else was faster: look again now
"""

from __future__ import annotations


class OutsideError(Exception):
    pass


class Unavailable(OutsideError):
    pass


class Stale(OutsideError):
    pass
