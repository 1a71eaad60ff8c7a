"""What a killed process had not exported is told by its next life, exactly once."""

import json

import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from services.kit import journal as journals
from services.kit.effects import Closed, Handled
from services.kit.journal import Journal
from services.kit.message import Mode
from services.kit.metrics import Metrics
from services.kit.span import Told
from services.kit.trace_context import derive
from services.kit.tracing import Tracing
from services.kit.wire import to_record
from tests.unit.services.builders import ORDER_ID, a_message
from tests.unit.services.test_tracing import SAMPLED, told


def a_span(number, end=10.0):
    context = derive(SAMPLED, str(number))
    kind = {"kind": "internal", "attributes": {"saga.attempt": number}}
    return Told(name="x", context=context, parent=SAMPLED, start=1.0, end=end, **kind)


@pytest.fixture
def lives(tmp_path, monkeypatch):
    """Lives of one process, each with what it has told."""
    exporters = []
    monkeypatch.setattr("services.kit.tracing._exporters", lambda: [exporters[-1]])
    monkeypatch.setattr(
        Tracing,
        "_export",
        lambda self, exporter: self._provider.add_span_processor(SimpleSpanProcessor(exporter)),
    )

    def live():
        exporters.append(InMemorySpanExporter())
        tracing = Tracing("inventory", "inventory-0", Metrics("inventory"), journal=str(tmp_path))
        return tracing, exporters[-1].get_finished_spans

    return live


def test_spans_are_told_again_as_they_were(tmp_path):
    first = Journal(tmp_path, "a")
    first.begin()
    first.write([a_span(1), a_span(2)])
    first.write([a_span(3)])
    assert Journal(tmp_path, "a").begin() == ([a_span(1), a_span(2), a_span(3)], [])
    assert Journal(tmp_path, "b").begin() == ([], [])


def test_what_has_been_told_is_no_longer_a_note(tmp_path):
    first = Journal(tmp_path, "a")
    first.begin()
    first.write([a_span(1)], "told")
    first.write([a_span(2)], "not told")
    first.write([a_span(1)])
    facts, notes = Journal(tmp_path, "a").begin()
    assert facts == [a_span(1)]
    assert [(note.key, note.spans) for note in notes] == [("not told", [a_span(2)])]


def test_a_torn_last_line_is_left_out(tmp_path):
    first = Journal(tmp_path, "a")
    first.begin()
    first.write([a_span(1)])
    file = tmp_path / "a.spans.0"
    file.write_bytes(file.read_bytes() + json.dumps({"spans": []}).encode()[:-3])
    assert Journal(tmp_path, "a").begin() == ([a_span(1)], [])


def test_the_newest_are_kept_however_many_there_were(tmp_path, monkeypatch):
    monkeypatch.setattr(journals, "FILE_BYTES", 2_000)
    first = Journal(tmp_path, "a")
    first.begin()
    for number in range(100):
        first.write([a_span(number)])
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) < 5_000
    numbers = sorted(each.attributes["saga.attempt"] for each in Journal(tmp_path, "a").begin()[0])
    assert len(numbers) >= 10
    assert numbers == list(range(100 - len(numbers), 100))


def test_what_is_older_than_any_export_takes_is_forgotten(tmp_path):
    first = Journal(tmp_path, "a")
    first.begin()
    first.write([a_span(1, end=100.0), a_span(2, end=200.0)])
    assert Journal(tmp_path, "a").begin()[0] == [a_span(2, end=200.0)]


def test_a_killed_life_is_told_by_the_next(lives):
    tracing, spans = lives()
    message = a_message(traceparent=SAMPLED)
    told(tracing, tracing.handled(Handled(message, "ReserveStock"), 0, 1.0))
    _, again = lives()
    assert [span.to_json() for span in again()] == [span.to_json() for span in spans()]


def test_after_a_clean_stop_nothing_is_told_again(lives):
    tracing, _ = lives()
    told(tracing, tracing.handled(Handled(a_message(traceparent=SAMPLED), "ReserveStock"), 0, 1.0))
    tracing.shutdown()
    assert lives()[1]() == ()


def noted_and_killed(lives):
    """Killed at some moment between the note and the telling."""
    message = a_message(traceparent=SAMPLED)
    tracing, _ = lives()
    outcome = ("confirmed", None, SAMPLED, None, 1.0, 2.0, 3.0)
    saga = Closed(ORDER_ID, Mode.CHOREOGRAPHY, 1, *outcome, closed_by=message.receipt)
    noted = [*tracing.handled(Handled(message, "ReserveStock"), 0, 1.0), *tracing.closed(saga)]
    tracing.note(noted)
    return message


def test_without_proof_a_note_is_not_told(lives):
    noted_and_killed(lives)
    assert lives()[1]() == ()


def test_a_message_that_comes_again_and_is_known_proves_its_note(lives):
    message = noted_and_killed(lives)
    tracing, spans = lives()
    tracing.known(a_message(traceparent=SAMPLED, attempt=2).receipt)
    assert spans() == ()
    tracing.known(message.receipt)
    tracing.known(message.receipt)
    assert sorted(span.name for span in spans()) == [f"process {message.topic}", "saga order"]
    assert all(span.attributes["saga.resumed"] for span in spans())


def test_a_message_that_was_left_in_the_outbox_proves_the_note_of_its_cause(lives):
    message = noted_and_killed(lives)
    tracing, spans = lives()
    tracing.sent(to_record(a_message(), tracing.processing(message)), 1.5)
    assert "process" in spans()[0].name
    assert spans()[-1].parent.span_id == spans()[0].context.span_id


def test_a_note_is_void_when_the_message_is_handled_anew(lives):
    message = noted_and_killed(lives)
    tracing, spans = lives()
    anew = list(tracing.handled(Handled(message, "ReserveStock"), 0, 5.0))
    tracing.note(anew)
    told(tracing, anew)
    tracing.known(message.receipt)
    assert [span.start_time for span in spans()] == [5_000_000_000]


def test_a_note_survives_two_kills(lives):
    message = noted_and_killed(lives)
    lives()
    tracing, spans = lives()
    tracing.known(message.receipt)
    assert len(spans()) == 2


def test_a_folder_that_cannot_be_written_costs_nothing_but_the_journal(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    nowhere = Journal(tmp_path / "file" / "below", "a")
    assert nowhere.begin() == ([], [])
    nowhere.write([a_span(1)])
    full = Journal(tmp_path, "b")
    full.begin()

    def no_space(*_):
        raise OSError("No space left on device")

    monkeypatch.setattr(journals.os, "write", no_space)
    full.write([a_span(1)])
    monkeypatch.undo()
    full.write([a_span(2)])
    full.close()
