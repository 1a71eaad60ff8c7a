"""The card network: a third party, simulated. It declines one known card and knows no other rule.

It answers the same for the same order, so asking again after a crash is harmless.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from services.kit.latency import Latency
from services.kit.message import Command, SagaId
from services.messages import AuthorizePayment
from services.payment.model import CardAnswer

DECLINED_CARD = "tok-declined"


class CardNetwork:
    def __init__(self, latency: Latency) -> None:
        self._latency = latency

    def needs(self, command: Command) -> bool:
        return isinstance(command, AuthorizePayment)

    def ask(self, commands: Sequence[Command]) -> Mapping[SagaId, CardAnswer]:
        asked = [command for command in commands if isinstance(command, AuthorizePayment)]
        self._latency.wait([command.order_id for command in asked])
        return {command.order_id: answer(command) for command in asked}


def answer(command: AuthorizePayment) -> CardAnswer:
    return CardAnswer("card_declined" if command.card == DECLINED_CARD else None)
