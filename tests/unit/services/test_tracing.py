"""One trace is one saga, and a process that tells a lost span again tells the same one."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.baggage import get_all
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.context import Context
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanContext, TraceFlags

from services.kit.effects import Closed, Handled
from services.kit.message import Mode
from services.kit.metrics import Metrics
from services.kit.session import Parked
from services.kit.trace_context import exemplar, parse, render, with_saga
from services.kit.tracing import Tracing
from services.kit.wire import to_record
from tests.unit.services.builders import ORDER_ID, a_message

SAMPLED = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"
UNSAMPLED = SAMPLED[:-2] + "00"


def told(tracing, noted):
    """Each span of a transaction that has committed, ended after 2 s."""
    tracing.tell([span if span.end else span.in_batch(3.0, 0.25, 4) for _, span in noted])


contexts = st.builds(
    lambda trace, span, flags: SpanContext(trace, span, True, TraceFlags(flags)),
    st.integers(1, 2**128 - 1),
    st.integers(1, 2**64 - 1),
    st.integers(0, 1),
)


def a_tracing(service="inventory", **how):
    tracing = Tracing(service, f"{service}-0", Metrics(service), **how)
    exporter = InMemorySpanExporter()
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
        told(tracing, tracing.handled(Handled(message, "ReserveStock"), 0, 1.0))
        tracing.sent(to_record(message, context), 1.0)
    assert exporter.get_finished_spans() == ()


def test_a_handled_message_is_a_span_under_its_producers_and_linked_to_it():
    tracing, exporter = a_tracing()
    message = a_message(traceparent=SAMPLED, mode=Mode.ORCHESTRATION, attempt=2, epoch=5)
    done = Handled(message, "ReserveStock", True, "StockRejected", "sold_out", rejected=True)
    told(tracing, tracing.handled(done, 0, 1.0))
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
        "saga.result": "StockRejected",
        "saga.reason": "sold_out",
        "saga.rejected": True,
        "messaging.message.id": message.id,
        "messaging.batch.message_count": 4,
        "bandstand.database_seconds": 0.25,
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


@pytest.mark.parametrize("link_only", [False, True])
def test_a_fact_told_again_for_another_cause_is_a_span_of_its_own(link_only):
    """One id is one span in a saga's tree, though links alone make it many traces."""
    tracing, _ = a_tracing(link_only=link_only)
    causes = [a_message(traceparent=SAMPLED, attempt=attempt) for attempt in (1, 2)]
    parents = [tracing.processing(cause) for cause in causes]
    fact = a_message(attempt=3)
    sent = [parse(tracing.sending(fact.id, parent)).span_id for parent in parents]
    assert len(set(sent)) == 2


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
    told(tracing, tracing.closed(Closed(ORDER_ID, Mode.CHOREOGRAPHY, 2, *outcome, 1.0, 2.0, 3.0)))
    spans = exporter.get_finished_spans()
    if not parse(root.traceparent).trace_flags.sampled:
        assert spans == ()
        return
    assert spans[0].name == "saga order"
    assert render(spans[0].context)[:-3] == root.traceparent[:-3]
    assert (spans[0].start_time, spans[0].end_time) == (1_000_000_000, 3_000_000_000)
    assert spans[0].status.description == "out_of_stock"


def test_with_links_only_each_handling_begins_a_trace_that_is_linked_to_its_cause():
    tracing, exporter = a_tracing(link_only=True)
    message = a_message(traceparent=SAMPLED)
    context = tracing.processing(message)
    assert context[3:35] != SAMPLED[3:35]
    assert context == a_tracing(link_only=True)[0].processing(message)
    told(tracing, tracing.handled(Handled(message, "ReserveStock"), 0, 1.0))
    tracing.sent(to_record(a_message(attempt=2), context), 1.0)
    handled, sent = exporter.get_finished_spans()
    assert render(handled.context)[:-3] == context[:-3]
    assert handled.parent is None
    assert render(handled.links[0].context) == SAMPLED
    assert (sent.context.trace_id, sent.parent.span_id) == (
        handled.context.trace_id,
        handled.context.span_id,
    )


def test_with_links_only_the_sampler_is_still_asked_once_only(monkeypatch):
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
    tracing, exporter = a_tracing(link_only=True)
    assert tracing.admit(None).traceparent.endswith("-00")
    told(tracing, tracing.handled(Handled(a_message(traceparent=SAMPLED), "ReserveStock"), 0, 1.0))
    assert len(exporter.get_finished_spans()) == 1


@pytest.mark.parametrize(("why", "error"), [("transient failure", True), ("delayed", False)])
def test_a_try_that_came_to_nothing_is_a_span_of_its_own(why, error):
    tracing, exporter = a_tracing()
    message = a_message(traceparent=SAMPLED)
    told(tracing, tracing.put_off(Parked(message, 1, 0.1, why), 0, 1.0))
    told(tracing, tracing.handled(Handled(message, "ReserveStock"), 1, 2.0))
    first, second = exporter.get_finished_spans()
    assert first.context.span_id != second.context.span_id
    assert first.parent == second.parent
    assert first.attributes["saga.put_off"] == why
    assert (first.status.description == why) == error


def test_what_is_put_off_untried_is_one_try():
    tracing, _ = a_tracing()
    parked = Parked(a_message(traceparent=SAMPLED), 0, 0.0, "not read ahead")
    assert list(tracing.put_off(parked, 0, 1.0)) == []


def test_a_burial_is_an_error_and_its_replay_another_span():
    tracing, exporter = a_tracing()
    message = a_message(traceparent=SAMPLED)
    tracing.buried(message, "Violation: no", 0, 1.0)
    replay = msgspec.structs.replace(message, replay="inventory/0123456789ab")
    told(tracing, tracing.handled(Handled(replay, "ReserveStock"), 0, 2.0))
    buried, handled = exporter.get_finished_spans()
    assert buried.status.description == "Violation: no"
    assert buried.context.span_id != handled.context.span_id


def test_a_deadline_that_passed_is_what_its_messages_hang_below():
    tracing, exporter = a_tracing()
    messages = [a_message(), a_message(attempt=2)]
    told(tracing, tracing.timed_out(messages, SAMPLED, 1.0))
    (span,) = exporter.get_finished_spans()
    assert render(span.context) == tracing.timing_out(messages[0].id, SAMPLED)
    assert span.attributes["saga.step"] == "OrderPlaced, OrderPlaced"
    assert not span.status.is_ok
    assert list(tracing.timed_out(messages, UNSAMPLED, 1.0)) == []


def in_baggage(text):
    return dict(get_all(W3CBaggagePropagator().extract({"baggage": text}, Context())))


def test_every_message_of_a_sampled_saga_carries_it_as_baggage():
    message = a_message(mode=Mode.ORCHESTRATION, traceparent=SAMPLED)
    headers = dict(to_record(message).headers)
    found = in_baggage(headers["baggage"].decode())
    assert found == {"saga.id": ORDER_ID, "saga.mode": "orchestration"}
    unsampled = a_message(mode=Mode.ORCHESTRATION, traceparent=UNSAMPLED)
    assert "baggage" not in dict(to_record(unsampled).headers)


def test_a_callers_baggage_goes_with_the_saga():
    given = "tenant=band%20one,saga.mode=somebody%20elses"
    found = in_baggage(with_saga(given, ORDER_ID, "choreography"))
    expected = {"tenant": "band one", "saga.id": ORDER_ID, "saga.mode": "choreography"}
    assert found == expected


@pytest.mark.parametrize("given", [None, "", "a=" + "x" * 2_000])
def test_what_no_message_should_carry_is_left_behind(given):
    assert with_saga(given, ORDER_ID, "choreography") is None


def test_an_exemplar_leads_to_a_trace_that_is_there():
    assert exemplar(SAMPLED) == {"trace_id": "a" * 32}
    assert exemplar(UNSAMPLED) is None
    assert exemplar(None) is None
