"""Shipping's rules: a settled shipment never changes."""

from hypothesis import given
from hypothesis import strategies as st

from services.messages import (
    ArrangeShipment,
    CancelShipment,
    ShipmentArranged,
    ShipmentCancelled,
    ShipmentRefused,
)
from services.shipping import handlers as shipping
from services.shipping.carrier import answer as carrier_answer
from services.shipping.model import CarrierAnswer, Shipments
from services.shipping.model import Status as Parcel
from tests.unit.services.builders import ORDER_ID, an_order, order_ids, reasons

PARCELS = {ArrangeShipment: shipping.arrange_shipment, CancelShipment: shipping.cancel_shipment}


def arrange(order=ORDER_ID, country="DE"):
    return ArrangeShipment(order_id=order, ship_to=an_order(country=country).ship_to)


parcel_commands = st.one_of(
    st.builds(arrange, order_ids, st.sampled_from(["DE", "AQ"])),
    st.builds(lambda o, r: CancelShipment(order_id=o, reason=r), order_ids, reasons),
)


def ship(command, shipments):
    if isinstance(command, ArrangeShipment):
        shipments.answers = {command.order_id: carrier_answer(command)}
    return PARCELS[type(command)](command, shipments)


@given(st.lists(parcel_commands, max_size=30))
def test_a_settled_shipment_never_changes_whatever_is_asked(commands):
    shipments, settled = Shipments(), {}
    for command in commands:
        said = ship(command, shipments)
        found = shipments.shipments[command.order_id]
        assert settled.setdefault(command.order_id, (said, found)) == (said, found)
    arranged = [s.order_id for s in shipments.shipments.values() if s.status is Parcel.ARRANGED]
    assert sorted(shipments.bookings) == sorted(arranged)


def test_the_carrier_does_not_go_to_antarctica():
    said = ship(arrange(country="AQ"), Shipments())
    assert said == ShipmentRefused(order_id=ORDER_ID, reason="not_serviceable")


def test_what_was_cancelled_before_it_was_arranged_stays_so():
    shipments = Shipments()
    ship(CancelShipment(order_id=ORDER_ID, reason="cancelled"), shipments)
    assert ship(arrange(), shipments) == ShipmentCancelled(order_id=ORDER_ID, reason="cancelled")
    assert shipments.bookings == []


def test_a_refusal_does_not_take_back_an_arranged_shipment():
    shipments = Shipments({ORDER_ID: CarrierAnswer("T")})
    shipping.arrange_shipment(arrange(), shipments)
    said = shipping.refuse_shipment(arrange(), shipments, "refused")
    assert said == ShipmentArranged(order_id=ORDER_ID, tracking="T")
