"""What is on the dead-letter topics adds up to letters and their states; choosing among them."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka import TopicPartition
from rich.console import Console

from lab.errors import NotReadyError
from lab.letters import outcome, views
from lab.letters.choose import (
    ResolvedError,
    UnknownLetterError,
    came_back,
    matching,
    named,
    to_discard,
    to_replay,
)
from lab.letters.letter import Original, State, fold
from lab.letters.office import Sent
from services.kit.dead_letters import Resolved
from services.kit.message import Mode, SagaId
from services.kit.wire import Record
from tests.unit.lab.letters import (
    ORDER,
    TRACE,
    a_burial,
    a_resolution,
    an_id,
    discarded,
    found,
    garbage,
)


def states(*records):
    return [(letter.id, letter.state) for letter in fold(records)]


def test_a_letter_says_what_could_not_be_handled_by_whom_and_why():
    (letter,) = fold([a_burial(reason="CheckViolation: no")])
    assert (letter.service, letter.reader, letter.reason) == (
        "shipping",
        "shipping",
        "CheckViolation: no",
    )
    assert letter.message_id == f"{ORDER}:StockReserved:1"
    assert (letter.type, letter.order_id, letter.mode) == ("StockReserved", ORDER, "choreography")
    assert letter.original == Original("inventory.choreography.events", 2, 41)
    assert letter.trace_id == TRACE


def test_a_letter_is_open_until_it_is_replayed_or_discarded():
    burials = [a_burial(number, second=number) for number in (1, 2, 3)]
    resolved = [a_resolution(an_id(2), 7), discarded(an_id(3), 8)]
    assert states(*burials, *resolved) == [
        (an_id(1), State.OPEN),
        (an_id(2), State.REPLAYED),
        (an_id(3), State.DISCARDED),
    ]


def test_a_discarded_letter_says_why_and_since_when():
    (letter,) = fold([a_burial(), discarded(an_id(), 5, reason="a test order")])
    assert letter.resolved_because == "a test order"
    assert (letter.resolved_at - letter.at).total_seconds() == 5


def test_what_was_replayed_and_discarded_at_the_same_time_was_replayed():
    (letter,) = fold([a_burial(), discarded(an_id(), 5), a_resolution(an_id(), 6)])
    assert letter.state is State.REPLAYED


def test_what_a_replay_comes_to_names_the_letter_it_was_replayed_from():
    first, second = fold([a_burial(), a_burial(second=9, replay=an_id())])
    assert first.id != second.id
    assert second.replay_of == first.id
    assert came_back([first, second], [first]) == [second]


def test_what_could_not_be_read_is_a_letter_of_which_little_is_known():
    (letter,) = fold([garbage()])
    assert (letter.message_id, letter.type, letter.order_id, letter.trace_id) == (None,) * 4
    assert letter.original.topic == "inventory.commands"


def test_a_letter_without_an_id_was_written_by_an_older_version_and_has_one_all_the_same():
    burial = a_burial()
    new = ("bandstand-dead-letter", "bandstand-reader", "bandstand-original-offset")
    headers = [(name, value) for name, value in burial.headers if name not in new]
    (letter,) = fold([msgspec.structs.replace(burial, headers=headers)])
    assert (letter.id, letter.reader) == (an_id(), "shipping")
    assert letter.original == Original("inventory.choreography.events")


@pytest.mark.parametrize(
    "stranger",
    [
        Record("shipping.dead-letter", "", "", "", [], b"hello"),
        Record("shipping.dead-letter", "", "", "", [("bandstand-resolution", b"eaten")], b"{}"),
    ],
)
def test_what_is_no_letter_and_resolves_nothing_is_passed_over(stranger):
    assert states(a_burial(), found(stranger)) == [(an_id(), State.OPEN)]


numbers = st.integers(1, 4)
records = st.lists(
    st.one_of(
        st.builds(a_burial, numbers, numbers),
        st.builds(a_resolution, st.builds(an_id, numbers), numbers, st.sampled_from(Resolved)),
    ),
    max_size=15,
)


@given(records, st.randoms(use_true_random=False))
def test_the_sum_is_the_same_in_any_order_and_however_often_a_record_was_published(found, random):
    shuffled = [*found, *random.choices(found, k=len(found))] if found else []
    random.shuffle(shuffled)
    assert fold(shuffled) == fold(found)


@given(records, st.builds(a_resolution, st.builds(an_id, numbers), numbers))
def test_whatever_is_added_no_resolution_is_ever_taken_back(found, more):
    before, after = dict(states(*found)), dict(states(*found, more))
    opened = {each for each, state in after.items() if state is State.OPEN}
    assert opened <= {each for each, state in before.items() if state is State.OPEN}
    assert before.keys() == after.keys()


def letters(count=3):
    return fold(a_burial(number, second=number) for number in range(1, count + 1))


def test_open_letters_are_listed_by_service_and_by_order():
    other = SagaId("00000000-0000-4000-8000-000000000002")
    records = [a_burial(), a_burial(2, 2, order=other), a_burial(3, 3, service="payment")]
    everything = fold([*records, discarded(an_id(2, order=other))])
    assert [each.service for each in matching(everything, None, None)] == ["shipping", "payment"]
    assert len(matching(everything, "shipping", None, resolved=True)) == 2
    assert [each.order_id for each in matching(everything, None, other, resolved=True)] == [other]


def test_an_id_may_be_cut_short_and_each_letter_is_meant_once():
    first, second, _ = everything = letters()
    assert named(everything, [second.id[:6], first.id, second.id]) == [first, second]


def test_an_id_that_nobody_has_or_that_is_too_short_is_an_error():
    everything = letters()
    for name in ("ffffffffffff", everything[0].id[:3]):
        with pytest.raises(UnknownLetterError, match=f"no dead letter {name}"):
            named(everything, [name])


def test_a_beginning_that_several_ids_have_is_an_error_that_names_them():
    alike = [msgspec.structs.replace(one, id=f"abcd{n}") for n, one in enumerate(letters(2))]
    with pytest.raises(UnknownLetterError, match="abcd0, abcd1"):
        named(alike, ["abcd"])
    assert named(alike, ["abcd1"]) == alike[1:]


def test_what_was_replayed_is_not_sent_again_unless_that_is_asked_for():
    replayed, fresh = fold([a_burial(), a_resolution(an_id()), a_burial(2, second=2)])
    assert to_replay([replayed, fresh]).todo == [fresh]
    assert to_replay([replayed, fresh]).done == [replayed]
    assert to_replay([replayed, fresh], again=True).todo == [replayed, fresh]


def test_who_decided_otherwise_before_is_asked_for_first():
    (gone,) = fold([a_burial(), discarded(an_id(), reason="a test order")])
    with pytest.raises(ResolvedError, match="a test order"):
        to_replay([*letters(), gone])
    assert to_replay([gone], again=True).todo == [gone]
    (sent,) = fold([a_burial(), a_resolution(an_id())])
    with pytest.raises(ResolvedError, match="replayed"):
        to_discard([*letters(), sent])


def test_what_was_discarded_stays_as_it_was_when_that_is_said_again():
    gone, fresh = fold([a_burial(), discarded(an_id()), a_burial(2, second=2)])
    assert (to_discard([gone, fresh]).todo, to_discard([gone, fresh]).done) == ([fresh], [gone])


def test_the_list_has_a_line_a_letter_with_nothing_cut_and_nothing_taken_for_markup():
    reason = "[/red] broken: " + "x" * 300
    (letter,) = fold([a_burial(reason=reason, mode=Mode.ORCHESTRATION)])
    head, line = views.listing([letter])
    cells = (letter.id, "open", "shipping", "StockReserved", "orchestration", ORDER, reason)
    starts = [line.plain.index(cell) for cell in cells]
    assert starts == sorted(starts)
    assert head.plain.index("order") == line.plain.index(ORDER)
    console = Console(width=80, soft_wrap=True)
    with console.capture() as capture:
        console.print(line)
    assert capture.get() == line.plain + "\n"


def test_letters_are_counted_by_state():
    assert views.counts([]) == "no dead letters"
    assert views.counts(letters(2)) == "2 open, 0 replayed, 0 discarded"


def test_the_detail_has_headers_and_payload_and_garbage_is_readable_too():
    (letter,) = fold([a_burial()])
    shown = views.detail(letter)
    assert shown["payload"] == {"order_id": ORDER}
    assert shown["headers"]["ce_mode"] == "choreography"
    assert shown["kept"]["topic"] == "shipping.dead-letter"
    assert views.detail(fold([garbage()])[0])["payload"] == "\\xff"


def test_a_replayed_letter_shows_how_it_went():
    first, second = fold([a_burial(), a_burial(second=9, replay=an_id()), a_resolution(an_id())])
    told = dict(views.lines(first, [second]))
    assert told["dead letter"].startswith(f"{first.id} replayed")
    assert told["original"] == "inventory.choreography.events partition 2 offset 41"
    assert told["came back as"].startswith(second.id)
    assert told["ce_type"] == "StockReserved"
    assert dict(views.lines(second, []))["replay of"] == first.id


class Log:
    """Each group reads a message each time it is asked, up to where it stops."""

    def __init__(self, **stops):
        self.stops, self.read = stops, dict.fromkeys(stops, 0)

    def committed(self, group):
        group = group.replace("-", "_")
        self.read[group] = min(self.read[group] + 1, self.stops[group])
        return {TopicPartition("t", 0): self.read[group]} if self.stops[group] else {}


SENT = [
    Sent("a", "order", "t", 0, 4),
    Sent("b", "order@timeline", "t", 0, 4),
    Sent("c", "order", "t", 0, 2),
]


def test_a_replay_is_awaited_until_its_own_reader_has_read_it(monkeypatch):
    monkeypatch.setattr(outcome, "PAUSE_SECONDS", 0)
    log = Log(order=10, order_timeline=5)
    outcome.await_read(log, SENT, 60)
    assert log.read == {"order": 5, "order_timeline": 5}
    with pytest.raises(NotReadyError, match=r"a by order$"):
        outcome.await_read(Log(order=4, order_timeline=9), SENT, 0.05)


def test_who_has_never_said_that_it_read_anything_has_not(monkeypatch):
    with pytest.raises(NotReadyError, match=r"a by order, c by order$"):
        outcome.await_read(Log(order=0, order_timeline=9), [SENT[0], SENT[2]], 0)
