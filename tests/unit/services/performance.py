"""A saga among players who do as they are told, with mishaps that a list of numbers decides."""

from __future__ import annotations

from dataclasses import dataclass, field

from services.orchestrator.decide import (
    Heard,
    TimePassed,
    decide,
)
from services.orchestrator.order_saga import ORDER
from services.orchestrator.state import Path, SagaState
from tests.unit.services.builders import an_order

TIMEOUT = 5.0
PIVOT = "ArrangeShipment"
MOST_TURNS = 400


@dataclass
class Players:
    """Five participants as five lines each: they do what they are told, and say so."""

    doomed: frozenset[str] = frozenset()
    did: list[str] = field(default_factory=list)

    def answer(self, command: str) -> Heard:
        answer = getattr(self, f"_{command}", None)
        return answer() if answer else self._once(command)

    def _settled(self, forth: str, back: str) -> str | None:
        return next((each for each in self.did if each in (forth, back)), None)

    def _ReserveStock(self) -> Heard:  # noqa: N802
        return self._try("ReserveStock", "ReleaseStock", "StockReserved", "StockRejected")

    def _AuthorizePayment(self) -> Heard:  # noqa: N802
        return self._try("AuthorizePayment", "VoidPayment", "PaymentAuthorized", "PaymentDeclined")

    def _ArrangeShipment(self) -> Heard:  # noqa: N802
        if self._settled("ArrangeShipment", "CancelShipment") == "CancelShipment":
            return Heard("ShipmentCancelled", "cancelled")
        return self._try(PIVOT, "CancelShipment", "ShipmentArranged", "ShipmentRefused")

    def _CancelShipment(self) -> Heard:  # noqa: N802
        if PIVOT in self.doomed and self._settled(f"no {PIVOT}", ""):
            return Heard("ShipmentRefused", "refused")
        if self._settled(PIVOT, "CancelShipment") is None:
            self.did.append("CancelShipment")
        if self._settled(PIVOT, "CancelShipment") == PIVOT:
            return Heard("ShipmentArranged")
        return Heard("ShipmentCancelled", "cancelled")

    def _try(self, forth: str, back: str, done: str, refused: str) -> Heard:
        if forth in self.doomed or back in self.did:
            if back not in self.did and f"no {forth}" not in self.did:
                self.did.append(f"no {forth}")
            return Heard(refused, "refused")
        if forth not in self.did:
            self.did.append(forth)
        return Heard(done)

    def _once(self, command: str) -> Heard:
        if command not in self.did:
            self.did.append(command)
        reason = "undone" if command in ("ReleaseStock", "VoidPayment") else None
        return Heard(DONE[command], reason)


DONE = {step.name: step.done.__name__ for step in ORDER.steps}
DONE |= {step.undo.command.__name__: step.undo.undone.__name__ for step in ORDER.steps if step.undo}


@dataclass
class Performance:
    """A saga among its players, with mishaps that a list of numbers decides."""

    players: Players
    state: SagaState = field(default_factory=SagaState)
    now: float = 0.0
    waiting: list[str] = field(default_factory=list)
    said: list[Heard] = field(default_factory=list)
    sent: list[tuple[str, int]] = field(default_factory=list)
    paths: list[Path] = field(default_factory=list)

    def hear(self, heard):
        decision = decide(ORDER, an_order(), self.state, heard, self.now, TIMEOUT)
        assert decide(ORDER, an_order(), self.state, heard, self.now, TIMEOUT) == decision
        self.state = decision.state
        self.paths.append(self.state.path)
        for send in decision.sends:
            self.sent.append((type(send.command).__name__, send.attempt))
            self.waiting.append(type(send.command).__name__)

    def mishap(self, what: int, which: int) -> None:
        """Any message next, lost, or twice; any answer next, late, or twice; time; a cancel."""
        if what <= 3 and self.waiting:
            command = self.waiting.pop(which % len(self.waiting))
            if what == 1:
                self.waiting.append(command)
            if what != 2:
                self.said.append(self.players.answer(command))
        elif what <= 7 and self.said:
            heard = self.said[which % len(self.said)]
            if what != 5:
                self.said.remove(heard)
            if what != 6:
                self.hear(heard)
        elif what == 8:
            self.now += which
            self.hear(TimePassed())
        elif what == 9 and which % 3 == 0:
            self.hear(Heard("OrderCancelRequested"))

    def finish(self) -> None:
        """From here on everything arrives in the end; what is silent is asked again."""
        for _ in range(MOST_TURNS):
            if self.waiting:
                self.said.append(self.players.answer(self.waiting.pop(0)))
            elif self.said:
                self.hear(self.said.pop(0))
            elif self.state.deadline is not None:
                self.now = self.state.deadline
                self.hear(TimePassed())
            else:
                return
        raise AssertionError(f"never ends: {self.state}")
