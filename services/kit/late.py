"""What is said because a deadline passed: each saga's messages below one span that tells of it."""

from __future__ import annotations

import time
from collections.abc import Sequence

from services.kit.message import Message
from services.kit.tracing import Noted, Tracing
from services.kit.wire import Record, to_record


class Late:
    """One transaction's worth: `records` for its outbox, `noted` before it commits, `tell` then."""

    def __init__(self, tracing: Tracing) -> None:
        self.records: list[Record] = []
        self.noted: list[Noted] = []
        self._tracing = tracing
        self._started = time.time()

    def say(self, messages: Sequence[Message], parent: str | None) -> None:
        """All of one saga, whose deadline is seen from the span `parent`."""
        span = self._tracing.timing_out(messages[0].id, parent)
        self.noted.extend(self._tracing.timed_out(messages, parent, self._started))
        for message in messages:
            context = self._tracing.sending(message.id, span)
            self.records.append(to_record(message.within(context), span))

    def tell(self, waited: float) -> None:
        now, size = time.time(), len(self.noted)
        self._tracing.tell([span.in_batch(now, waited, size) for _, span in self.noted])
