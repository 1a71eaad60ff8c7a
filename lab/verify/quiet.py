"""Waits until no order is open and nothing is on its way, so that what is checked stands still."""

import time
from collections.abc import Callable

from lab.coordination.drain import Drain, Log
from lab.database import Database
from lab.errors import NotReadyError
from services.kit.message import Mode


def await_quiet(database: Database, log: Log, timeout: float, say: Callable[[str], None]) -> bool:
    """False: it did not get quiet in time. What never ends is then for the invariants to say."""
    deadline = time.monotonic() + timeout
    try:
        for mode in Mode:
            left = max(0.0, deadline - time.monotonic())
            Drain(mode, database, log, say).wait(left)
    except NotReadyError as error:
        say(str(error))
        return False
    return True
