"""What a transaction left behind is counted, whatever it came to."""

from prometheus_client.parser import text_string_to_metric_families

from services.kit.committed import Committed, Teller
from services.kit.effects import Effects, Handled
from services.kit.metrics import Metrics
from services.kit.tracing import Tracing
from services.messages import StockReserved
from tests.unit.services.builders import ORDER_ID, a_message, an_order


def told(effects):
    metrics = Metrics("shipping")
    tracing = Tracing("shipping", "shipping-0", metrics)
    Teller("", metrics, tracing, lambda _: None).tell(Committed(effects, [], [], [], []), 0.0, 0.0)
    return {
        (sample.name.removeprefix("bandstand_"), *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(metrics.exposition().decode())
        for sample in family.samples
    }


def test_what_is_only_remembered_is_counted_like_what_is_acted_upon():
    order, stock = a_message(an_order()), a_message(StockReserved(order_id=ORDER_ID))
    effects = Effects(handled=[Handled(stock, "ArrangeShipment")])
    effects.remember([order, stock])
    found = told(effects)
    assert found["messages_consumed_total", "choreography", order.topic] == 1
    assert found["messages_consumed_total", "choreography", stock.topic] == 1
    assert found["step_queue_seconds_count", "choreography", "OrderPlaced"] == 1
    assert found["step_queue_seconds_count", "choreography", "ArrangeShipment"] == 1
    assert found[("batch_messages_sum",)] == 2


def test_the_time_for_which_a_rule_held_a_message_is_none_that_it_waited_for_a_reader():
    order = a_message(an_order())
    held_until = order.sent_at().timestamp() + 1_000_000
    found = told(Effects(handled=[Handled(order, "AuthorizePayment", held_until=held_until)]))
    for name in ("step_queue_seconds_sum", "step_duration_seconds_sum"):
        assert found[name, "choreography", "AuthorizePayment"] == 0
