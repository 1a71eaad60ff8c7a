"""Between the topics and the store: which events count, and what is kept of them. It decides
nothing, sends nothing, and no saga waits for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from services.kit.batch import Batch
from services.kit.effects import Effects
from services.kit.faults import Faults
from services.kit.message import Body, Epoch, Message, Mode, SagaId, Vocabulary
from services.kit.session import Session
from services.messages import EVENTS, StepHeld
from services.saga_tracker.model import Heard, hold_of
from services.saga_tracker.store import hear

OBSERVED = frozenset(event.__name__ for event in EVENTS)


@dataclass(frozen=True)
class Tracker:
    vocabulary: Vocabulary
    faults: Faults
    name: str = "saga-tracker"
    inbox: str = ""

    def concerns(self, message: Message) -> bool:
        return message.mode is Mode.CHOREOGRAPHY and message.type in OBSERVED

    def read_ahead(self, session: Session, batch: Batch) -> None:
        """It asks no third party."""

    def execute(self, session: Session, batch: Batch, answers: None) -> Effects:
        heard: dict[SagaId, dict[str, Heard]] = {}
        epochs: dict[SagaId, Epoch] = {}
        for message, _ in batch:
            name, told = _kept(message, self.vocabulary.body(message))
            heard.setdefault(message.saga_id, {})[name] = told
            epochs[message.saga_id] = message.epoch
        hear(session.connection, heard, epochs)
        return Effects(projected=[message for message, _ in batch])


def _kept(message: Message, body: Body) -> tuple[str, Heard]:
    at = message.sent_at()
    if isinstance(body, StepHeld):
        return hold_of(body.step), Heard(
            at, rules=body.rules, until=datetime.fromtimestamp(body.until, UTC)
        )
    return message.type, Heard(at, getattr(body, "reason", None))
