"""Where an order stands and what it waits for, and who has to be asked for it."""

import msgspec
import pytest

from lab.where.inquiry import (
    UnknownOrderError,
    ask_everybody,
    ask_who_knows,
    inquire,
    whole_picture,
)
from lab.where.standing import Band, closed, concluded, conducted, recounted, tracked
from lab.where.views import OpenHold, TrackedView
from services.kit.message import Mode
from tests.unit.lab.orders import a_band, a_saga, an_order


@pytest.mark.parametrize(
    ("band", "waits"),
    [
        (a_band(), ["inventory to reserve the stock", "payment to authorize the money"]),
        (a_band("reserved"), ["payment to authorize the money"]),
        (a_band("reserved", "authorized"), ["shipping to arrange the shipment"]),
        (
            a_band("reserved", "authorized", "arranged"),
            ["payment to capture the money", "inventory to ship the stock"],
        ),
        (a_band("shipped", "captured", "arranged"), ["order to confirm"]),
        (a_band("rejected"), ["payment to hold nothing"]),
        (a_band("reserved", "declined"), ["inventory to hold nothing"]),
        (
            a_band("reserved", "authorized", "refused"),
            ["inventory to hold nothing", "payment to hold nothing"],
        ),
        (a_band("released", "voided", "refused"), ["order to reject"]),
    ],
)
def test_what_a_band_waits_for_is_concluded_from_what_everybody_says(band, waits):
    assert concluded(an_order(), band).waits_for == waits


@pytest.mark.parametrize(
    ("facts", "waits"),
    [
        ([], ["StockReserved", "PaymentAuthorized"]),
        ([("StockReserved", "inventory")], ["PaymentAuthorized"]),
        (
            [("StockReserved", "inventory"), ("PaymentAuthorized", "payment")],
            ["ShipmentArranged"],
        ),
        (
            [("StockReserved", "inventory"), ("PaymentDeclined", "payment")],
            ["StockReleased"],
        ),
    ],
)
def test_what_a_band_waits_for_stands_in_the_orders_timeline(facts, waits):
    assert recounted(an_order(facts=facts)).waits_for == waits


def test_an_ended_order_waits_for_its_customer_to_be_told():
    order = an_order(status="confirmed")
    assert concluded(order, a_band("shipped", "captured", "arranged")).waits_for == [
        "notification to tell the customer"
    ]


def test_a_rejected_order_waits_for_what_is_still_held_as_well():
    order = an_order(status="rejected", reason="card_declined")
    standing = concluded(order, a_band("reserved", "declined", notification="rejected"))
    assert standing.stands == "rejected (card_declined)"
    assert standing.waits_for == ["inventory to release the stock", "order to hear that"]


def test_a_conducted_order_waits_for_what_its_saga_has_sent():
    saga = a_saga(ReserveStock=("done", 1), AuthorizePayment=("sent", 3))
    standing = conducted(an_order(Mode.ORCHESTRATION), saga)
    assert standing.waits_for == ["AuthorizePayment, asked 3 times"]


def test_a_saga_on_its_way_back_says_so():
    saga = a_saga("compensating", ReserveStock=("undoing", 1))
    standing = conducted(an_order(Mode.ORCHESTRATION), saga)
    assert (standing.stands, standing.waits_for) == (
        "compensating",
        ["the way back of ReserveStock"],
    )


def test_a_saga_the_orchestrator_has_not_heard_of_yet_is_waited_for():
    assert conducted(an_order(Mode.ORCHESTRATION), None).waits_for == [
        "the orchestrator to hear of it"
    ]


def test_a_closed_order_waits_for_nothing():
    assert closed(an_order(status="confirmed", closed=True)).waits_for == []


@pytest.mark.parametrize(
    ("saga", "stands", "waits"),
    [
        (None, "pending", ["the tracker to hear of it"]),
        (TrackedView("running", ["OrderConfirmed"]), "pending", ["OrderConfirmed"]),
        (TrackedView("stuck", ["ShipmentArranged"]), "stuck", ["ShipmentArranged"]),
    ],
)
def test_a_tracker_says_which_event_is_missing(saga, stands, waits):
    standing = tracked(an_order(), saga)
    assert (standing.stands, standing.waits_for) == (stands, waits)


class Answers:
    """The services answer from memory, and remember who was asked."""

    def __init__(self, order, saga=None, band=None, tracker=None):
        self._order, self._saga, self._band, self._tracker = order, saga, band, tracker
        self.tracks = tracker is not None
        self.asked = []

    def tracked(self, _order_id):
        self.asked.append("saga-tracker")
        return self._tracker

    def order(self, order_id):
        self.asked.append("order")
        if self._order is None:
            raise UnknownOrderError(order_id)
        return self._order

    def saga(self, _order_id):
        self.asked.append("orchestrator")
        return self._saga

    def band(self, _order_id):
        self.asked += ["inventory", "payment", "shipping", "notification"]
        return self._band or Band()


@pytest.mark.parametrize("mode", Mode)
def test_where_an_order_is_one_place_can_tell_in_either_mode(mode):
    facts = [("StockReserved", "inventory"), ("PaymentAuthorized", "payment")]
    answers = Answers(an_order(mode, facts=facts), a_saga(), tracker=TrackedView("running", []))
    found = inquire(answers, "o-1")
    assert found.standing.waits_for == ["ShipmentArranged"]
    assert found.places == 1
    assert answers.asked == ["order"]


def test_a_conductor_undoes_what_was_done_without_a_word_from_shipping():
    facts = [("StockReserved", "inventory"), ("OrderCancelRequested", "order")]
    facts.append(("PaymentAuthorized", "payment"))
    orchestra = recounted(an_order(Mode.ORCHESTRATION, facts=facts))
    band = recounted(an_order(Mode.CHOREOGRAPHY, facts=facts))
    assert orchestra.waits_for == ["StockReleased", "PaymentVoided"]
    assert band.waits_for == ["ShipmentArranged"]


@pytest.mark.parametrize(
    ("answers", "places"),
    [
        (Answers(an_order(Mode.ORCHESTRATION), a_saga()), 2),
        (Answers(an_order(Mode.CHOREOGRAPHY)), 1),
        (Answers(an_order(Mode.CHOREOGRAPHY), tracker=TrackedView("running", [])), 2),
        (Answers(an_order(Mode.ORCHESTRATION), a_saga(), tracker=TrackedView("running", [])), 2),
        (Answers(an_order(Mode.ORCHESTRATION, "confirmed", closed=True)), 1),
        (Answers(an_order(Mode.CHOREOGRAPHY, "confirmed", closed=True)), 1),
    ],
)
def test_who_decides_or_tracks_it_is_asked_where_there_is_such_and_all_are_counted(answers, places):
    assert ask_who_knows(answers, "o-1").places == places == len(answers.asked)


@pytest.mark.parametrize("mode", Mode)
def test_what_a_rule_holds_waits_for_an_answer_and_for_no_service(mode):
    order = msgspec.structs.replace(
        an_order(mode, facts=[("StockReserved", "inventory"), ("StepHeld", "payment")]),
        holds=[OpenHold("big-orders", "AuthorizePayment")],
    )
    for ask in (inquire, ask_who_knows):
        answers = Answers(order)
        found = ask(answers, "o-1")
        assert found.standing.stands == "held"
        assert found.standing.waits_for == ["an answer to big-orders, which holds AuthorizePayment"]
        assert answers.asked == ["order"]


def test_without_a_timeline_everybody_would_have_to_be_asked():
    answers = Answers(an_order(), band=a_band("reserved", "authorized"))
    found = ask_everybody(answers, "o-1")
    assert found.standing.waits_for == ["shipping to arrange the shipment"]
    assert found.places == 5 == len(answers.asked)


def test_the_whole_picture_asks_the_others_too_but_does_not_count_them():
    answers = Answers(an_order(Mode.ORCHESTRATION), a_saga())
    assert whole_picture(answers, "o-1").places == 2
    assert len(answers.asked) == 6


def test_an_order_nobody_placed_is_an_error():
    with pytest.raises(UnknownOrderError):
        inquire(Answers(None), "o-1")
