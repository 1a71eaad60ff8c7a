"""What becomes of a message that is tried again later, of itself or by an injected fault."""

from __future__ import annotations

from services.kit.faults import Faults, Verdict
from services.kit.message import Message
from services.kit.session import Parked

FIRST_RETRY_SECONDS = 0.05
LONGEST_RETRY_SECONDS = 5.0


def retry(message: Message, tries: int, why: str) -> Parked:
    """Exponential backoff: 50 ms, 100 ms, … up to 5 s."""
    wait = min(FIRST_RETRY_SECONDS * 2 ** min(tries, 16), LONGEST_RETRY_SECONDS)
    return Parked(message, tries + 1, wait, why)


def put_off(
    faults: Faults, kind: str, message: Message, tries: int, verdict: Verdict
) -> Parked | None:
    """None where the fault is none that makes a message wait."""
    if verdict is Verdict.DELAY:
        wait = faults.delay_seconds(kind, message.mode)
        return Parked(message, tries + 1, wait, "delayed")
    if verdict is Verdict.FAIL:
        return retry(message, tries, "transient failure")
    return None
