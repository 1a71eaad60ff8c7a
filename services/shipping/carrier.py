"""The carrier: a third party, simulated. It does not go to Antarctica.

It answers the same for the same order, so asking again after a crash is harmless.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from services.kit.latency import Latency
from services.kit.message import Command, SagaId
from services.messages import ArrangeShipment
from services.shipping.model import CarrierAnswer

NOT_SERVED = frozenset({"AQ"})


class Carrier:
    def __init__(self, latency: Latency) -> None:
        self._latency = latency

    def needs(self, command: Command) -> bool:
        return isinstance(command, ArrangeShipment)

    def ask(self, commands: Sequence[Command]) -> Mapping[SagaId, CarrierAnswer]:
        asked = [command for command in commands if isinstance(command, ArrangeShipment)]
        self._latency.wait([command.order_id for command in asked])
        return {command.order_id: answer(command) for command in asked}


def answer(command: ArrangeShipment) -> CarrierAnswer:
    if command.ship_to.country in NOT_SERVED:
        return CarrierAnswer(refused="not_serviceable")
    return CarrierAnswer(tracking=f"BAND-{command.order_id[:8].upper()}")
