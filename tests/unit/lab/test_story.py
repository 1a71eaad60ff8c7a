"""What happened to an order, and who made it so."""

from lab.where.inquiry import Inquiry
from lab.where.score import score
from lab.where.standing import closed
from lab.where.timeline import story
from lab.where.views import LogEntry
from services.kit.message import Mode
from tests.unit.lab.orders import a_saga, after, an_order

CUES = score()


def told(order, saga=None):
    standing = closed(order)
    return [
        (line.who, line.what, line.why)
        for line in story(Inquiry(order, standing, 1, 1.0, saga), CUES)
    ]


def test_in_choreography_each_fact_is_explained_by_what_its_player_had_heard():
    order = an_order(
        facts=[
            ("StockReserved", "inventory"),
            ("PaymentDeclined", "payment"),
            ("StockReleased", "inventory"),
            ("OrderRejected", "order"),
            ("CustomerNotified", "notification"),
        ]
    )
    assert told(order) == [
        ("order", "OrderPlaced", "the customer"),
        ("inventory", "StockReserved", "heard OrderPlaced: ReserveStock"),
        ("payment", "PaymentDeclined", "heard OrderPlaced: AuthorizePayment"),
        ("inventory", "StockReleased", "heard PaymentDeclined: ReleaseStock"),
        ("order", "OrderRejected", "heard StockReleased and PaymentDeclined: RejectOrder"),
        ("notification", "CustomerNotified", "heard OrderRejected: NotifyCustomer"),
    ]


def test_a_join_names_everything_that_was_waited_for():
    order = an_order(
        facts=[
            ("PaymentAuthorized", "payment"),
            ("StockReserved", "inventory"),
            ("ShipmentArranged", "shipping"),
        ]
    )
    expected = "heard OrderPlaced and StockReserved and PaymentAuthorized: ArrangeShipment"
    assert told(order)[-1] == ("shipping", "ShipmentArranged", expected)


def test_a_fact_without_a_cue_is_not_explained_away():
    order = an_order(facts=[("StockShipped", "inventory")])
    assert told(order)[-1] == ("inventory", "StockShipped", "nobody's known reaction")


def test_in_orchestration_the_conductors_log_says_what_made_it_decide():
    saga = a_saga(
        log=[
            LogEntry(1, after(0.5), "Started", "sent", "ReserveStock", "forward", 1),
            LogEntry(2, after(2), "StockReserved", "done", "ReserveStock", "forward", 1),
            LogEntry(2, after(2), "StockReserved", "sent", "ArrangeShipment", "forward", 2),
        ]
    )
    order = an_order(Mode.ORCHESTRATION, facts=[("StockReserved", "inventory")])
    assert told(order, saga) == [
        ("order", "OrderPlaced", ""),
        ("orchestrator", "sends ReserveStock", "heard OrderPlaced"),
        ("inventory", "StockReserved", ""),
        ("orchestrator", "sends ArrangeShipment, attempt 2", "heard StockReserved"),
    ]


def test_every_event_of_the_vocabulary_has_a_player_or_comes_from_outside():
    from services.messages import EVENTS

    explained = {event for cue in CUES for event in cue.events}
    by_rules = {"HoldApproved", "HoldDeclined", "StepHeld"}
    outside = {"OrderPlaced", "OrderCancelRequested", "OrderExpired", *by_rules}
    assert {event.__name__ for event in EVENTS} - explained == outside
