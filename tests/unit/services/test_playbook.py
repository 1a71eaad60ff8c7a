"""What a service's modules mark is its playbook."""

from types import SimpleNamespace

import pytest

from services.kit.handling import Playbook, handles, reacts_to, reacts_to_all, refuses
from services.messages import (
    ConfirmOrder,
    OrderCancelRequested,
    OrderExpired,
    StockRejected,
    StockReleased,
)


def test_a_playbook_refuses_two_reactions_to_one_event():
    @reacts_to(OrderCancelRequested)
    def first(event):
        """One reaction."""

    @reacts_to_all(OrderCancelRequested, OrderExpired)
    def second(event, other):
        """And another to the same event."""

    with pytest.raises(TypeError, match="two reactions to OrderCancelRequested"):
        Playbook.of(SimpleNamespace(), SimpleNamespace(first=first, second=second))


def test_a_playbook_collects_what_its_modules_mark():
    @handles(ConfirmOrder)
    def confirm(command, state):
        """Handle it."""

    @refuses(ConfirmOrder)
    def refuse(command, state, reason):
        """Refuse it."""

    @reacts_to_all(StockRejected | StockReleased, OrderExpired)
    def rule(stock, expired):
        """React to it."""

    handlers = SimpleNamespace(confirm=confirm, refuse=refuse, unmarked=lambda: None)
    playbook = Playbook.of(handlers, SimpleNamespace(rule=rule))
    assert playbook.handlers == {"ConfirmOrder": confirm}
    assert playbook.refusals == {"ConfirmOrder": refuse}
    assert set(playbook.reactions) == {"StockRejected", "StockReleased", "OrderExpired"}
    reaction = playbook.reactions["OrderExpired"]
    assert reaction.heard({"OrderExpired": 1}) is None
    assert reaction.heard({"OrderExpired": 1, "StockReleased": 1}) == [
        "StockReleased",
        "OrderExpired",
    ]
