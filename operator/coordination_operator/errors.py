"""What can go wrong outside, and what it means here.

OutsideError
├── Unavailable    nobody answered, or nothing that can be read: look again later
│   └── Refused    it was read, and makes no sense to who was asked: as it is, it never will
└── Stale          somebody else was faster: look again now
"""

from __future__ import annotations


class OutsideError(Exception):
    pass


class Unavailable(OutsideError):
    pass


class Refused(Unavailable):
    pass


class Stale(OutsideError):
    pass
