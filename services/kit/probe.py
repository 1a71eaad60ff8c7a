"""Whether the broker is there, and what it knows, asked by threads that cannot wait for long."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, NamedTuple, TypeVar

from kafka.errors import KafkaError, KafkaTimeoutError

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")

HELD_SECONDS = 1.0
PATIENCE_SECONDS = 2.5


class _Question(NamedTuple):
    question: Callable[[Any], Any]
    answer: Future[Any]


class BrokerProbe:
    """Asks the broker whether it is there; thread-safe, and an answer holds for `held` seconds.

    Nobody waits for longer than `patience`, or Kubernetes would take it for a failed probe. But
    kafka-python's admin client may wait for thirty seconds until it is connected, and cannot be
    told not to. So a thread of its own asks it, one question at a time.
    """

    def __init__(
        self,
        make_client: Callable[[], Any],
        patience: float = PATIENCE_SECONDS,
        held: float = HELD_SECONDS,
    ) -> None:
        self._make_client = make_client
        self._patience = patience
        self._held = held
        self._admin: Any = None
        self._asked = -math.inf
        self._answers = False
        self._questions: SimpleQueue[_Question | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def answers(self) -> bool:
        if time.monotonic() - self._asked > self._held:
            self._answers = self._is_there()
            self._asked = time.monotonic()
        return self._answers

    def ask(self, question: Callable[[Any], Answer]) -> Answer:
        """Put it to the broker's admin client; KafkaError or OSError while that is away."""
        asked = _Question(question, Future())
        self._begin()
        self._questions.put(asked)
        try:
            answer: Answer = asked.answer.result(self._patience)
        except TimeoutError as error:
            asked.answer.cancel()
            raise KafkaTimeoutError("the broker does not answer in time") from error
        return answer

    def close(self) -> None:
        self._questions.put(None)
        if self._thread is not None:
            self._thread.join(self._patience)

    def _begin(self) -> None:
        """Not before somebody asks: a process that is only described has no threads."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._put_all, name="probe", daemon=True)
                self._thread.start()

    def _put_all(self) -> None:
        while (asked := self._questions.get()) is not None:
            if not asked.answer.set_running_or_notify_cancel():
                continue
            try:
                asked.answer.set_result(asked.question(self._client()))
            except Exception as error:  # it is the asker's
                asked.answer.set_exception(error)
        if self._admin is not None:
            self._admin.close()

    def _client(self) -> Any:
        if self._admin is None:
            self._admin = self._make_client()
        return self._admin

    def _is_there(self) -> bool:
        try:
            return bool(self.ask(lambda admin: admin.describe_cluster()))
        except (KafkaError, OSError) as error:
            log.info("the broker does not answer: %s", error)
            return False
