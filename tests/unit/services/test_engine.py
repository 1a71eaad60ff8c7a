"""Between the topics and `decide`: sagas begin once, keep their version, and miss nothing."""

from dataclasses import replace

import pytest

from services.kit.faults import Catalogue, Fault, Faults, Rule
from services.kit.message import Mode
from services.kit.violations import Violation
from services.messages import OrderCancelRequested, StockRejected, StockReserved
from services.orchestrator.engine import Orchestrator
from services.orchestrator.order_saga import ORDER
from services.orchestrator.state import Path
from tests.simulator.database import Clock, MemoryDatabase, Store
from tests.simulator.repositories import MemorySagas, Scores
from tests.simulator.services import WORDS
from tests.unit.services.builders import ORDER_ID, a_message, an_order, order_id

TIMEOUT = 5.0


class Podium:
    """An orchestrator with its tables; `hear` runs one batch."""

    def __init__(self, faults: Faults | None = None) -> None:
        self.clock = Clock()
        self.scores = Scores()
        self.database = MemoryDatabase(Store(self.clock, self.scores))
        self.orchestrator = Orchestrator(
            {1: ORDER}, WORDS, MemorySagas(), faults or Faults(), TIMEOUT
        )

    def hear(self, *messages, tries=0):
        with self.database.transaction() as session:
            return self.orchestrator.execute(session, [(m, tries) for m in messages], None)

    def look_at_the_clock(self, seconds):
        self.clock.now += seconds
        with self.database.transaction() as session:
            return self.orchestrator.execute_due(session)


def placed(**how):
    return a_message(mode=Mode.ORCHESTRATION, **how)


def told(body, **how):
    return a_message(body, mode=Mode.ORCHESTRATION, **how)


def sent(effects):
    return [out.message.id.partition(":")[2] for out in effects.outgoing]


@pytest.fixture
def podium():
    return Podium()


def test_only_sagas_in_orchestration_concern_it(podium):
    assert podium.orchestrator.concerns(placed())
    assert not podium.orchestrator.concerns(a_message(mode=Mode.CHOREOGRAPHY))


def test_an_order_starts_its_saga_and_commands_carry_mode_and_epoch(podium):
    effects = podium.hear(placed(epoch=4))
    assert sent(effects) == ["ReserveStock:1", "AuthorizePayment:1"]
    assert {(o.message.mode, o.message.epoch) for o in effects.outgoing} == {("orchestration", 4)}


def test_an_order_heard_again_starts_nothing(podium):
    podium.hear(placed())
    assert sent(podium.hear(placed(attempt=2))) == []


def test_a_batch_is_followed_event_by_event(podium):
    reserved = told(StockReserved(order_id=ORDER_ID))
    effects = podium.hear(placed(), reserved, told(OrderCancelRequested(order_id=ORDER_ID)))
    forth, back = ["ReserveStock:1", "AuthorizePayment:1"], ["ReleaseStock:1", "VoidPayment:1"]
    assert sent(effects) == forth + back
    assert podium.scores.sagas[ORDER_ID].state.path is Path.UNDO


def test_a_cancellation_that_overtakes_the_order_by_far_is_still_heard(podium):
    cancel = told(OrderCancelRequested(order_id=ORDER_ID))
    tries, waited = 0, 0.0
    while waited < 60:
        effects = podium.hear(cancel, tries=tries)
        assert not effects.outgoing
        (parked,) = effects.parked
        tries, waited = parked.tries, waited + parked.wait_seconds
    podium.hear(placed())
    podium.hear(cancel, tries=tries)
    assert podium.scores.sagas[ORDER_ID].state.reason == "cancelled"


def test_an_event_of_a_saga_that_never_starts_is_given_up_in_the_end(podium):
    with pytest.raises(Violation, match="never started"):
        podium.hear(told(StockReserved(order_id=ORDER_ID)), tries=1_000)


def test_a_refusal_carries_its_reason_back(podium):
    podium.hear(placed())
    effects = podium.hear(told(StockRejected(order_id=ORDER_ID, reason="out_of_stock")))
    assert sent(effects) == ["VoidPayment:1"]
    assert WORDS.body(effects.outgoing[0].message).reason == "out_of_stock"


def test_a_transient_failure_puts_an_event_off_however_often(podium):
    podium = Podium(Faults(Catalogue(1, (Rule(Fault.FAIL, 100),))))
    for tries in (0, 5, 50):
        effects = podium.hear(placed(), tries=tries)
        assert [parked.tries for parked in effects.parked] == [tries + 1]
    assert not podium.scores.sagas


def test_there_is_nothing_that_it_could_refuse():
    podium = Podium(Faults(Catalogue(1, (Rule(Fault.REFUSE, 100),))))
    assert sent(podium.hear(placed())) == ["ReserveStock:1", "AuthorizePayment:1"]


def test_a_silent_participant_is_asked_again(podium):
    podium.hear(placed())
    assert sent(podium.look_at_the_clock(TIMEOUT - 1)) == []
    assert sent(podium.look_at_the_clock(2)) == ["ReserveStock:2", "AuthorizePayment:2"]


def test_a_deadline_that_moved_is_found_and_corrected_without_a_word(podium):
    podium.hear(placed())
    podium.clock.now += TIMEOUT - 1
    podium.hear(told(StockReserved(order_id=ORDER_ID)))
    before = podium.scores.sagas[ORDER_ID].state
    other = placed_of(podium, 2)
    podium.scores.deadlines[other] = podium.clock.now
    assert sent(podium.look_at_the_clock(0)) == []
    assert podium.scores.deadlines[other] == podium.clock.now + TIMEOUT
    assert podium.scores.sagas[ORDER_ID].state == before


def placed_of(podium, number):
    podium.hear(told(an_order(order_id(number))))
    return order_id(number)


def test_every_turn_is_logged_once_and_in_order(podium):
    podium.hear(placed())
    podium.hear(told(StockReserved(order_id=ORDER_ID)))
    podium.look_at_the_clock(TIMEOUT + 1)
    assert [(turn, line.heard) for (_, turn), line in podium.scores.log.items()] == [
        (1, "Started"),
        (2, "StockReserved"),
        (3, "TimePassed"),
    ]


def test_what_changes_nothing_is_not_logged(podium):
    podium.hear(placed())
    podium.hear(placed(attempt=2))
    podium.look_at_the_clock(0)
    assert len(podium.scores.log) == podium.scores.sagas[ORDER_ID].state.turn == 1


def test_a_saga_finishes_on_the_version_it_began_with():
    podium = Podium()
    podium.hear(placed())
    newer = replace(ORDER, version=2, stages=ORDER.stages[1:])
    conductor = replace(podium.orchestrator, definitions={1: ORDER, 2: newer})
    podium.orchestrator = conductor
    assert sent(podium.hear(told(StockReserved(order_id=ORDER_ID)))) == []
    assert podium.scores.sagas[ORDER_ID].version == 1
    other = placed_of(podium, 2)
    assert podium.scores.sagas[other].version == 2
