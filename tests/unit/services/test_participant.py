"""One batch through a participant: what is done, put off, refused, and said to have been done."""

from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.inventory.service import PLAYBOOK as INVENTORY
from services.kit.faults import Catalogue, Fault, Faults, Rule, roll
from services.kit.handling import Playbook
from services.kit.message import MalformedMessage, Mode
from services.kit.participant import MAX_TRIES, Participant
from services.kit.put_off import FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS, retry
from services.messages import (
    PaymentAuthorized,
    ReleaseStock,
    ReserveStock,
    ShipStock,
    StockReserved,
)
from services.shipping.carrier import Carrier
from services.shipping.service import PLAYBOOK as SHIPPING
from tests.simulator.database import Clock, MemoryDatabase, Store
from tests.simulator.repositories import MemoryShipments, MemoryStock, Waybills
from tests.simulator.services import NO_WAIT, WORDS, full_shelves
from tests.unit.services.builders import ORDER_ID, a_message, an_order

RESERVE = ReserveStock(order_id=ORDER_ID, items=an_order().items)


class Warehouse:
    def __init__(self, *rules: Rule) -> None:
        self.shelves = full_shelves(10)
        self.database = MemoryDatabase(Store(Clock(), self.shelves))
        faults = Faults(Catalogue(1, rules))
        self.participant = Participant("inventory", INVENTORY, WORDS, MemoryStock(), faults)

    def do(self, *messages, tries=0):
        batch = [(message, tries) for message in messages]
        with self.database.transaction() as session:
            return self.participant.execute(session, batch, {})


def commanded(body, **how):
    return a_message(body, mode=Mode.ORCHESTRATION, **how)


def told(effects):
    return [out.message.id.partition(":")[2] for out in effects.outgoing]


def test_a_command_and_a_reaction_have_the_same_effect():
    effects = [Warehouse().do(message) for message in (commanded(RESERVE), a_message(an_order()))]
    assert [told(each) for each in effects] == [["StockReserved:1"]] * 2
    assert [out.message.mode for each in effects for out in each.outgoing] == [
        Mode.ORCHESTRATION,
        Mode.CHOREOGRAPHY,
    ]


def test_an_event_keeps_the_attempt_of_its_command():
    assert told(Warehouse().do(commanded(RESERVE, attempt=3))) == ["StockReserved:3"]


def test_a_batch_is_done_in_its_order():
    release = commanded(ReleaseStock(order_id=ORDER_ID, reason="cancelled"))
    assert told(Warehouse().do(commanded(RESERVE), release)) == [
        "StockReserved:1",
        "StockReleased:1",
    ]
    assert told(Warehouse().do(release, commanded(RESERVE))) == [
        "StockReleased:1",
        "StockRejected:1",
    ]


def test_a_compensation_is_counted_as_one():
    effects = Warehouse().do(commanded(ReleaseStock(order_id=ORDER_ID, reason="cancelled")))
    assert [(done.step, done.backward) for done in effects.handled] == [("ReleaseStock", True)]


def test_an_injected_refusal_is_a_business_refusal():
    effects = Warehouse(Rule(Fault.REFUSE, 100)).do(commanded(RESERVE))
    assert told(effects) == ["StockRejected:1"]
    assert WORDS.body(effects.outgoing[0].message).reason == "refused"


def test_a_retriable_step_cannot_be_refused():
    warehouse = Warehouse(Rule(Fault.REFUSE, 100, "ShipStock"))
    warehouse.do(commanded(RESERVE))
    assert told(warehouse.do(commanded(ShipStock(order_id=ORDER_ID)))) == ["StockShipped:1"]


def test_a_transient_failure_is_tried_again_and_then_refused():
    warehouse = Warehouse(Rule(Fault.FAIL, 100))
    for tries in range(MAX_TRIES):
        (parked,) = warehouse.do(commanded(RESERVE), tries=tries).parked
        assert (parked.tries, parked.why) == (tries + 1, "transient failure")
    effects = warehouse.do(commanded(RESERVE), tries=MAX_TRIES)
    assert told(effects) == ["StockRejected:1"]
    assert WORDS.body(effects.outgoing[0].message).reason == "unavailable"


def test_a_retriable_step_is_tried_for_ever():
    warehouse = Warehouse(Rule(Fault.FAIL, 100))
    effects = warehouse.do(commanded(ShipStock(order_id=ORDER_ID)), tries=1_000)
    assert [parked.tries for parked in effects.parked] == [1_001]


def test_a_delay_happens_once():
    warehouse = Warehouse(Rule(Fault.DELAY, 100, delay_ms=300))
    (parked,) = warehouse.do(commanded(RESERVE)).parked
    assert (parked.tries, parked.wait_seconds, parked.why) == (1, 0.3, "delayed")
    assert told(warehouse.do(commanded(RESERVE), tries=1)) == ["StockReserved:1"]


def test_what_is_put_off_leaves_the_rest_of_its_batch_alone():
    warehouse = Warehouse(Rule(Fault.FAIL, 100, "ReleaseStock"))
    release = commanded(ReleaseStock(order_id=ORDER_ID, reason="cancelled"))
    effects = warehouse.do(release, commanded(RESERVE))
    assert told(effects) == ["StockReserved:1"]
    assert [parked.message for parked in effects.parked] == [release]


def test_a_malformed_body_is_told_as_such():
    broken = msgspec.structs.replace(commanded(RESERVE), value=b"{}")
    with pytest.raises(MalformedMessage):
        Warehouse().do(broken)


@given(st.integers(0, 100))
def test_waits_double_up_to_a_limit(tries):
    parked = retry(a_message(), tries, "why")
    assert parked.tries == tries + 1
    assert parked.wait_seconds == min(FIRST_RETRY_SECONDS * 2**tries, LONGEST_RETRY_SECONDS)


class Harbour:
    """Shipping, which asks its carrier before the transaction."""

    def __init__(self, *rules: Rule) -> None:
        self.waybills = Waybills()
        self.database = MemoryDatabase(Store(Clock(), self.waybills))
        faults = Faults(Catalogue(1, rules))
        self.participant = Participant(
            "shipping", SHIPPING, WORDS, MemoryShipments(), faults, Carrier(NO_WAIT)
        )

    def ask(self, *messages):
        return self.participant.read_ahead(self.database.reader(), [(m, 0) for m in messages])

    def do(self, answers, *messages, tries=0):
        with self.database.transaction() as session:
            return self.participant.execute(session, [(m, tries) for m in messages], answers)

    def hear(self, *messages, tries=0):
        return self.do(self.ask(*messages), *messages, tries=tries)


def heard(effects):
    """Under which name each message has its span and is counted."""
    return {done.message.type: done.step for done in effects.heard}


READY = [
    a_message(an_order()),
    a_message(StockReserved(order_id=ORDER_ID)),
    a_message(PaymentAuthorized(order_id=ORDER_ID, amount_cents=1)),
]


@given(st.permutations(READY))
def test_the_carrier_is_asked_when_the_last_part_of_a_join_is_read(order):
    harbour = Harbour()
    for message in order[:2]:
        assert harbour.ask(message) == {}
        harbour.do({}, message)
    answers = harbour.ask(order[2])
    assert set(answers) == {ORDER_ID}
    assert told(harbour.do(answers, order[2])) == ["ShipmentArranged:1"]


def test_a_join_that_a_replica_completed_meanwhile_is_tried_again_with_an_answer():
    """Reading ahead saw two parts; the third came between it and the transaction."""
    harbour, random = Harbour(), Random(1)
    first, second, third = random.sample(READY, 3)
    harbour.do({}, first)
    answers = harbour.ask(second)
    assert answers == {}
    harbour.do({}, third)
    effects = harbour.do(answers, second)
    assert told(effects) == []
    assert [(parked.message, parked.tries, parked.wait_seconds) for parked in effects.parked] == [
        (second, 0, 0.0)
    ]
    assert harbour.waybills.bookings == []
    assert told(harbour.do(harbour.ask(second), second)) == ["ShipmentArranged:1"]
    assert harbour.waybills.bookings == [ORDER_ID]


@given(st.permutations(READY), st.integers(0, 2))
def test_whatever_a_join_waits_for_is_told_of_and_counted(order, together):
    """Heard one by one or in one batch: the last has the effect, the others are remembered."""
    harbour = Harbour()
    found = [heard(harbour.hear(message)) for message in order[:together]]
    found.append(heard(harbour.hear(*order[together:])))
    *firsts, last = [message.type for message in order]
    expected = {kind: kind for kind in firsts} | {last: "ArrangeShipment"}
    assert {kind: step for each in found for kind, step in each.items()} == expected
    assert sum(map(len, found)) == len(READY)


def test_an_onlooker_has_no_part_in_the_saga():
    looker = Participant(
        "test",
        Playbook({}, {}, {}, frozenset()),
        WORDS,
        None,
        Faults(),
        observes=frozenset({"StockReserved"}),
    )
    with MemoryDatabase(Store(Clock(), None)).transaction() as session:
        effects = looker.execute(session, [(READY[1], 0)], {})
    assert effects.heard == []


@pytest.mark.parametrize(
    ("fault", "why"), [(Fault.FAIL, "transient failure"), (Fault.DELAY, "delayed")]
)
def test_a_fault_hits_what_is_only_remembered_and_the_join_waits_for_it(fault, why):
    """As it hits the orchestrator, which hears of a first answer too."""
    harbour = Harbour(Rule(fault, 100, "StockReserved"))
    order, stock, payment = READY
    effects = harbour.hear(stock)
    assert [(each.message, each.tries, each.why) for each in effects.parked] == [(stock, 1, why)]
    assert effects.faults == [(Mode.CHOREOGRAPHY, fault.value)]
    assert heard(effects) == {}
    assert told(harbour.hear(order, payment)) == []
    assert told(harbour.hear(stock, tries=MAX_TRIES)) == ["ShipmentArranged:1"]


def test_what_completes_a_join_is_not_hit_twice():
    """Its hearing and its step are one throw."""
    for seed in range(40):
        harbour = Harbour()
        harbour.participant.faults.catalogue = Catalogue(seed, (Rule(Fault.FAIL, 50),))
        for message in READY:
            tries = 0
            while (effects := harbour.hear(message, tries=tries)).parked:
                assert len(effects.faults) == 1
                tries += 1
            assert tries == fails(seed, message)
        assert told(effects) in (["ShipmentArranged:1"], ["ShipmentRefused:1"])


def fails(seed, message):
    throws = (roll(seed, Fault.FAIL, message.id, tries) < 50 for tries in range(MAX_TRIES))
    return next((tries for tries, failed in enumerate(throws) if not failed), MAX_TRIES)
