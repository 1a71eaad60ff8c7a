"""Orders and sagas as services tell of them; a test names only what it is about."""

from datetime import UTC, datetime, timedelta

from lab.where.standing import Band
from lab.where.views import Fact, OrderView, SagaView, State, StepView
from services.kit.message import Mode

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def after(ms):
    return NOON + timedelta(milliseconds=ms)


def an_order(mode=Mode.CHOREOGRAPHY, status="pending", reason=None, facts=(), closed=False):
    ended = NOON if status != "pending" else None
    timeline = [Fact("OrderPlaced", "order", NOON)]
    timeline += [Fact(kind, source, after(n + 1)) for n, (kind, source) in enumerate(facts)]
    return OrderView(
        "o-1", status, reason, mode, 1, NOON, ended, NOON if closed else None, None, timeline
    )


def a_saga(status="running", log=(), **steps):
    views = {name: StepView(state, attempt) for name, (state, attempt) in steps.items()}
    return SagaView(status, None, None, views, list(log), None)


def a_band(inventory=None, payment=None, shipping=None, notification=None):
    said = (inventory, payment, shipping, notification)
    return Band(*(State(status) if status else None for status in said))
