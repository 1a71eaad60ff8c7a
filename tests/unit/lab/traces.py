"""Traces as a saga makes them: each handling is caused by a message, which an earlier one sent."""

import msgspec
from hypothesis import strategies as st

from lab.traces.span import Span

ORDER_ID = "0192f0c1-2345-7abc-8def-0123456789ab"
MODES = ("orchestration", "choreography")
SERVICES = ("order", "inventory", "payment", "orchestrator")


def a_span(
    number, parent=None, kind="process", start=0, end=10, service="order", saga=ORDER_ID, **tags
):
    return Span(
        id=f"{number:016x}",
        parent=None if parent is None else f"{parent:016x}",
        name="saga order" if kind == "saga" else f"{kind} some.topic",
        service=service,
        start_us=start,
        end_us=end,
        tags={"saga.id": saga, **{name.replace("_", "."): text for name, text in tags.items()}},
    )


def a_root(end=1_000, mode="orchestration", outcome="confirmed"):
    return a_span(0, kind="saga", end=end, saga_mode=mode, saga_outcome=outcome)


def a_chain():
    """admission 0-100, sent 100-150, waits until 200, handled 200-260 (answers at 250), the
    answer handled by order from 400 to 1,000."""
    return [
        a_root(),
        a_span(1, 0, "send", 100, 150, saga_step="OrderPlaced"),
        a_span(2, 1, "process", 200, 260, "inventory", saga_step="ReserveStock"),
        a_span(3, 2, "send", 250, 300, "inventory", saga_step="StockReserved"),
        a_span(4, 3, "process", 400, 1_000, saga_step="StockReserved"),
    ]


@st.composite
def sagas(draw):
    """A root, and below each handling messages that others handle, at any time after it."""
    spans = [a_root(end=draw(st.integers(0, 3_000)), mode=draw(st.sampled_from(MODES)))]
    for number in range(1, draw(st.integers(1, 20))):
        parent = draw(st.sampled_from(spans))
        kind = "process" if parent.name.startswith("send") else "send"
        start = parent.start_us + draw(st.integers(0, 500))
        end = start + draw(st.integers(1, 500))
        service = draw(st.sampled_from(SERVICES))
        waited = str(draw(st.integers(0, 600)) / 1_000_000)
        span = a_span(number, int(parent.id, 16), kind, start, end, service)
        tags = {**span.tags, "bandstand.database_seconds": waited}
        spans.append(msgspec.structs.replace(span, tags=tags))
    return spans
