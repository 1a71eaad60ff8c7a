"""What happened in a schedule, kept cheaply and told readably when it is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from services.kit.message import Message
from services.kit.wire import Record
from services.messages import OrderPlaced
from tests.simulator.database import Clock

NAMES = "ABCDEFGHIJ"


class Trace:
    """Orders are called A, B, C; a message is told as `A.ReserveStock:1`."""

    def __init__(self, clock: Clock, orders: Sequence[OrderPlaced]) -> None:
        self._clock = clock
        self._notes: list[tuple[float, str, tuple[Any, ...]]] = []
        self._names = {order.order_id: name for order, name in zip(orders, NAMES, strict=False)}

    def note(self, template: str, *values: Any) -> None:
        self._notes.append((self._clock.now, template, values))

    def lines(self) -> list[str]:
        return [
            f"{at:8.3f}  " + template % tuple(self.told(value) for value in values)
            for at, template, values in self._notes
        ]

    def told(self, value: Any) -> Any:
        if isinstance(value, list):
            return ", ".join(str(self.told(each)) for each in value) or "nothing of concern"
        if isinstance(value, Message):
            return self._message(value.id)
        if isinstance(value, Record):
            return self._message(value.message_id)
        if isinstance(value, OrderPlaced):
            return self._names[value.order_id]
        return value

    def name(self, order_id: str) -> str:
        return self._names.get(order_id, order_id)

    def _message(self, message_id: str) -> str:
        order, _, rest = message_id.partition(":")
        return f"{self.name(order)}.{rest}"
