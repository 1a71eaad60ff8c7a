"""One trace is one saga, and a process that tells a lost span again tells the same one."""

from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanContext, TraceFlags

from services.kit.effects import Closed
from services.kit.message import Mode
from services.kit.metrics import Metrics
from services.kit.tracing import Tracing, parse, render
from services.kit.wire import to_record
from tests.unit.services.builders import ORDER_ID, a_message

SAMPLED = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"
UNSAMPLED = SAMPLED[:-2] + "00"

contexts = st.builds(
    lambda trace, span, flags: SpanContext(trace, span, True, TraceFlags(flags)),
    st.integers(1, 2**128 - 1),
    st.integers(1, 2**64 - 1),
    st.integers(0, 1),
)


def a_tracing(service="inventory"):
    tracing, exporter = Tracing(service, f"{service}-0", Metrics(service)), InMemorySpanExporter()
    tracing._provider.add_span_processor(SimpleSpanProcessor(exporter))
    return tracing, exporter


@given(contexts)
def test_a_context_survives_its_header(context):
    found = parse(render(context))
    assert (found.trace_id, found.span_id) == (context.trace_id, context.span_id)
    assert found.trace_flags == context.trace_flags


@given(st.none() | st.text(max_size=60) | st.from_regex(r"[0-9a-f]{2}(-[0-9a-fx_+ ]{2,32}){3}"))
def test_what_cannot_be_read_is_no_context(text):
    found = parse(text)
    assert found is None or found.is_valid


def test_zeros_are_no_context():
    assert parse("00-" + "0" * 32 + "-" + "b" * 16 + "-01") is None
    assert parse("00-" + "a" * 32 + "-" + "0" * 16 + "-01") is None


def test_a_message_is_always_handled_in_the_same_span():
    message = a_message(traceparent=SAMPLED)
    one, again = a_tracing()[0], a_tracing()[0]
    assert one.processing(message) == again.processing(message)
    assert one.processing(message)[:36] == SAMPLED[:36]


def test_different_handlings_are_different_spans():
    message, other = a_message(traceparent=SAMPLED), a_message(traceparent=SAMPLED, attempt=2)
    inventory, payment = a_tracing()[0], a_tracing("payment")[0]
    spans = [
        inventory.processing(message),
        inventory.processing(message, tries=1),
        inventory.processing(other),
        payment.processing(message),
        inventory.sending(message.id, SAMPLED),
    ]
    assert len(set(spans)) == len(spans)


def test_where_nothing_is_sampled_nothing_is_made():
    tracing, exporter = a_tracing()
    for context in (None, UNSAMPLED):
        message = a_message(traceparent=context)
        assert tracing.processing(message) == context
        tracing.processed(message, "ReserveStock", False, 1.0)
        tracing.sent(to_record(message, context), 1.0)
    assert exporter.get_finished_spans() == ()


def test_a_handled_message_is_a_span_under_its_producers_and_linked_to_it():
    tracing, exporter = a_tracing()
    message = a_message(traceparent=SAMPLED, mode=Mode.ORCHESTRATION, attempt=2, epoch=5)
    tracing.processed(message, "ReserveStock", True, 1.0)
    (span,) = exporter.get_finished_spans()
    assert span.name == f"process {message.topic}"
    assert render(span.context) == tracing.processing(message)
    assert span.parent.span_id == span.links[0].context.span_id == int("b" * 16, 16)
    expected = {
        "saga.id": ORDER_ID,
        "saga.mode": "orchestration",
        "saga.epoch": 5,
        "saga.step": "ReserveStock",
        "saga.direction": "backward",
        "saga.attempt": 2,
        "messaging.message.id": message.id,
    }
    assert expected.items() <= dict(span.attributes).items()


def test_a_sent_record_is_the_span_that_its_message_carries():
    tracing, exporter = a_tracing()
    message = a_message()
    context = tracing.sending(message.id, SAMPLED)
    tracing.sent(to_record(message.within(context), SAMPLED), 1.0)
    (span,) = exporter.get_finished_spans()
    assert span.name == f"send {message.topic}"
    assert render(span.context) == context


def test_a_root_continues_its_callers_trace():
    tracing = a_tracing("order")[0]
    root = tracing.admit(SAMPLED)
    assert root.traceparent[:36] == SAMPLED[:36]
    assert root.traceparent != SAMPLED
    assert root.parent_span == "b" * 16
    assert tracing.admit("nonsense").parent_span is None


def test_the_root_span_is_told_when_the_saga_is_over():
    tracing, exporter = a_tracing("order")
    root = tracing.admit(None)
    outcome = ("rejected", "out_of_stock", root.traceparent, root.parent_span)
    tracing.closed(Closed(ORDER_ID, Mode.CHOREOGRAPHY, 2, *outcome, 1.0, 2.0, 3.0))
    spans = exporter.get_finished_spans()
    if not parse(root.traceparent).trace_flags.sampled:
        assert spans == ()
        return
    assert spans[0].name == "saga order"
    assert render(spans[0].context)[:-3] == root.traceparent[:-3]
    assert (spans[0].start_time, spans[0].end_time) == (1_000_000_000, 3_000_000_000)
    assert spans[0].status.description == "out_of_stock"
