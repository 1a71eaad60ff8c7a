"""What the order service shows of deadlines before any has passed."""

import pytest

from services.kit.message import Mode
from services.kit.metrics import Metrics
from services.order.deadlines import Deadlines


@pytest.mark.parametrize("mode", Mode)
def test_the_first_failure_of_an_order_is_an_increase(mode):
    """A counter that begins with it has not risen, and the first failures would go unseen."""
    metrics = Metrics("order")
    Deadlines(None, None, None, 10.0, metrics, None)
    labels = f'mode="{mode}",outcome="rejected",reason="timed_out"'
    shown = metrics.exposition().decode()
    assert f"bandstand_orders_ended_total{{{labels}}} 0.0" in shown
