"""The simulator is worth something only if it finds what is wrong, and nothing else."""

import logging
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

import msgspec
import pytest

from services.inventory.model import Stock
from services.kit.batch import Core
from services.kit.message import Mode
from services.kit.participant import Participant
from services.kit.relay import Relay
from services.kit.session import Merged
from services.messages import (
    CapturePayment,
    PaymentCaptured,
    ReleaseStock,
    ShipmentCancelled,
    StockReleased,
)
from services.orchestrator.engine import Orchestrator
from services.orchestrator.order_saga import ORDER
from services.orchestrator.saga import Parallel
from services.payment.model import Payments
from services.policy.remembered import DECIDED
from services.shipping.model import Shipments, Status
from tests.simulator.broker import MemoryProducer
from tests.simulator.chaos import Chaos, draw
from tests.simulator.database import MemorySession
from tests.simulator.simulate import Broken, simulate
from tests.simulator.world import Mutation, World

WITHIN = 400


@pytest.fixture(autouse=True)
def _no_logging():
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


class ForgetfulInbox(MemorySession):
    def receive(self, arrivals):
        super().receive(arrivals)
        return {arrival.message_id for arrival in arrivals}


class JoinWithoutMemory(MemorySession):
    def facts(self, sagas):
        return {}

    def merge_facts(self, heard):
        return Merged({}, heard)


class LeakyParking(MemorySession):
    def park(self, parked):
        """Put off, and never thought of again."""


class HastyInbox(MemorySession):
    """It keeps what it received, even if the rest of the transaction never commits."""

    def receive(self, arrivals):
        fresh = super().receive(arrivals)
        self.store.inbox.update({each.message_id: each for each in arrivals})
        return fresh


class UndecidedMemory(MemorySession):
    def merge_facts(self, heard):
        kept = {
            saga: {name: fact for name, fact in facts.items() if not name.startswith(DECIDED)}
            for saga, facts in heard.items()
        }
        return super().merge_facts(kept)


class RelayWithoutSweep(Relay):
    def sweep(self, database):
        self.forget(database)


class CarelessRelay(Relay):
    """Sent is as good as acknowledged."""

    def _failed(self, row, error):
        self._succeeded(row, 0.0, None)


class TurncoatParticipant(Participant):
    def _tell(self, work, event, effects):
        flipped = replace_mode(work.message)
        super()._tell(replace(work, message=flipped), event, effects)


def replace_mode(message: Any) -> Any:
    return msgspec.structs.replace(message, mode=message.mode.other)


def handling(service: str, command: str, handler: Callable[..., Any]) -> Mutation:
    """This service handles this command like that."""

    def core(sound: Core) -> Core:
        if not isinstance(sound, Participant) or sound.name != service:
            return sound
        handlers = {**sound.playbook.handlers, command: handler}
        return replace(sound, playbook=replace(sound.playbook, handlers=handlers))

    return Mutation(core=core)


def reacting(service: str, event: str) -> Mutation:
    """This service has forgotten its reaction to this event."""

    def core(sound: Core) -> Core:
        if not isinstance(sound, Participant) or sound.name != service:
            return sound
        reactions = {**sound.playbook.reactions}
        reactions.pop(event)
        return replace(sound, playbook=replace(sound.playbook, reactions=reactions))

    return Mutation(core=core)


def turncoat(sound: Core) -> Core:
    if not isinstance(sound, Participant) or sound.name != "shipping":
        return sound
    return TurncoatParticipant(**vars(sound))


def lawless(kind: type[Any]) -> Mutation:
    """These ask no rule."""

    def core(sound: Core) -> Core:
        return replace(sound, point=None) if isinstance(sound, kind) else sound

    return Mutation(core=core)


def without_undo(sound: Core) -> Core:
    """The score forgets how a payment is undone."""
    if not isinstance(sound, Orchestrator):
        return sound
    stock, payment = ORDER.stages[0].steps
    stages = (Parallel(stock, replace(payment, undo=None)), *ORDER.stages[1:])
    return replace(sound, definitions={1: replace(ORDER, stages=stages)})


def release_without_tombstone(command: ReleaseStock, stock: Stock) -> StockReleased:
    if command.order_id in stock.reservations:
        stock.release(command.order_id, command.reason)
    return StockReleased(order_id=command.order_id, reason=command.reason)


def cancel_what_is_arranged(command: Any, shipments: Shipments) -> ShipmentCancelled:
    shipments.close(command.order_id, Status.CANCELLED, command.reason)
    return ShipmentCancelled(order_id=command.order_id, reason=command.reason)


def capture_again(command: CapturePayment, payments: Payments) -> PaymentCaptured:
    payments.capture(command.order_id)
    amount = payments.payments[command.order_id].amount_cents
    return PaymentCaptured(order_id=command.order_id, amount_cents=amount)


BUGS = {
    "an inbox that forgets": Mutation(session=ForgetfulInbox),
    "a join without memory": Mutation(session=JoinWithoutMemory),
    "parked messages that are forgotten": Mutation(session=LeakyParking),
    "an inbox that commits before the effect": Mutation(session=HastyInbox),
    "a relay that loses rows after a crash": Mutation(relay=RelayWithoutSweep),
    "a relay that takes sent for acknowledged": Mutation(relay=CarelessRelay),
    "a release without a tombstone": handling(
        "inventory", "ReleaseStock", release_without_tombstone
    ),
    "a pivot that goes back": handling("shipping", "CancelShipment", cancel_what_is_arranged),
    "a capture that is not idempotent": handling("payment", "CapturePayment", capture_again),
    "nobody ships what is arranged": reacting("inventory", "ShipmentArranged"),
    "nobody hears the cancellation": reacting("payment", "ShipmentCancelled"),
    "a participant that changes the mode": Mutation(core=turncoat),
    "a saga that cannot undo a payment": Mutation(core=without_undo),
    "a band that asks no rule": lawless(Participant),
    "a conductor that asks no rule": lawless(Orchestrator),
    "a decision that is not remembered": Mutation(session=UndecidedMemory),
}


def first_broken(mutation: Mutation) -> Broken:
    for seed in range(WITHIN):
        try:
            simulate(seed, mutation)
        except Broken as broken:
            return broken
    raise AssertionError(f"not found within {WITHIN} schedules")


@pytest.mark.parametrize("bug", BUGS)
def test_it_finds(bug):
    assert first_broken(BUGS[bug]).found


def test_a_broken_schedule_is_told_from_its_beginning_and_says_how_to_repeat_it():
    broken = first_broken(BUGS["a relay that loses rows after a crash"])
    told = str(broken)
    assert f"SIMULATOR_SEED={broken.world.seed} .venv/bin/pytest" in told
    assert "VIOLATED" in told
    assert "A.OrderPlaced:1" in told
    with pytest.raises(Broken) as again:
        simulate(broken.world.seed, BUGS["a relay that loses rows after a crash"])
    assert str(again.value) == told


def test_the_deadline_heals_a_forgotten_reaction_before_the_pivot():
    """Nobody releases the stock of a declined payment, until the order expires."""
    for seed in range(200):
        simulate(seed, reacting("inventory", "PaymentDeclined"))


class DisorderlyProducer(MemoryProducer):
    """No order at all, not even within a key."""

    def _next(self, queue):
        queue.rotate(self._random.randrange(len(queue)))
        return queue.popleft()


def test_no_order_on_the_topics_is_needed():
    """Tombstones and settled outcomes make late commands harmless, parked ones included."""
    for seed in range(300):
        simulate(seed, Mutation(producer=DisorderlyProducer))


@pytest.mark.parametrize("mode", Mode)
def test_without_trouble_an_order_is_done_in_no_time(mode):
    plan = replace(draw(Random(3)), chaos=Chaos(), mode=mode, weight=100, rules=())
    world = World(3, plan=plan)
    world.come_to_rest()
    assert all(row.closed and row.nudges == 0 for row in world.book.orders.values())
