"""Between the topics and the store: which events count, and what is kept of them. It decides
nothing, sends nothing, and no saga waits for it."""

from __future__ import annotations

from dataclasses import dataclass

from services.kit.batch import Batch
from services.kit.effects import Effects
from services.kit.faults import Faults
from services.kit.message import Epoch, Message, Mode, SagaId, Vocabulary
from services.kit.session import Session
from services.messages import EVENTS
from services.saga_tracker.model import Heard
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
            body = self.vocabulary.body(message)
            told = Heard(message.sent_at(), getattr(body, "reason", None))
            heard.setdefault(message.saga_id, {})[message.type] = told
            epochs[message.saga_id] = message.epoch
        hear(session.connection, heard, epochs)
        return Effects(projected=[message for message, _ in batch])
