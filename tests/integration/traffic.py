"""A steady stream of commands or events to one service, as the others would send them."""

import threading
from typing import Any, Self

from services.kit.message import Message, Mode
from tests.integration.broker import a_producer
from tests.integration.builders import a_message, a_placed_order, a_reservation, as_sent


def to_reserve(mode: Mode, count: int) -> list[Message]:
    """What makes inventory reserve stock for as many orders: a command, or an event it hears."""
    make = a_reservation if mode is Mode.ORCHESTRATION else a_placed_order
    return [a_message(make(), mode) for _ in range(count)]


class Traffic(threading.Thread):
    """Sends its messages at a rate; whatever the broker goes through, each arrives."""

    def __init__(self, bootstrap: str, messages: list[Message], rate: float = 1_000.0) -> None:
        super().__init__(daemon=True)
        self.messages = messages
        self._producer: Any = a_producer(bootstrap)
        self._pause = 1 / rate
        self._sent: list[Any] = []
        self._over = threading.Event()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.join()
        for sent in self._sent:
            sent.get(timeout=60)
        self._producer.close(timeout=5)

    def run(self) -> None:
        for message in self.messages:
            key, value, headers = as_sent(message)
            self._sent.append(
                self._producer.send(message.topic, value, key=key.encode(), headers=headers)
            )
            if self._over.wait(self._pause):
                return

    def stop(self) -> None:
        """What was not sent yet is not sent."""
        self._over.set()

    @property
    def orders(self) -> list[str]:
        """Those it has sent."""
        return [message.saga_id for message in self.messages[: len(self._sent)]]


def send(bootstrap: str, *messages: Message) -> None:
    with Traffic(bootstrap, list(messages)):
        pass


def send_unreadable(bootstrap: str, topic: str) -> None:
    """A record that keeps no part of the message contract."""
    producer: Any = a_producer(bootstrap)
    producer.send(topic, b"{", key=b"nobody").get(timeout=60)
    producer.close(timeout=5)
