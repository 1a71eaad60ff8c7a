"""Up to when all has been heard: also where there is always something new."""

from hypothesis import given
from hypothesis import strategies as st

from services.order.heard import Horizon, Places


@given(st.dictionaries(st.integers(0, 3), st.integers(-1, 9)), st.integers(0, 5))
def test_what_is_there_is_unread_unless_it_was_committed(committed, end):
    places = Places({0: 2, 1: 0}, {0: max(end, 2), 1: 0}, committed)
    assert places.are_read(places.end) is (end <= max(committed.get(0, -1), 2))


def test_where_nothing_is_unread_all_is_known_until_now():
    horizon = Horizon()
    horizon.look(7.0, Places({0: 0}, {0: 5}, {0: 5}))
    assert horizon.until == 7.0


def test_who_is_always_a_little_behind_knows_what_was_there_at_an_earlier_look():
    """As while holds come steadily, and offsets are committed once a second."""
    horizon, known = Horizon(), []
    for look in range(4):
        horizon.look(float(look), Places({0: 0}, {0: look + 1}, {0: look}))
        known.append(horizon.until)
    assert known == [None, 0.0, 1.0, 2.0]


def test_what_was_told_before_a_moment_has_been_read_by_then_or_it_is_not_known():
    horizon = Horizon()
    horizon.look(1.0, Places({0: 0, 1: 0}, {0: 5, 1: 5}, {0: 5, 1: 4}))
    horizon.look(2.0, Places({0: 0, 1: 0}, {0: 9, 1: 9}, {0: 9, 1: 4}))
    assert horizon.until is None
    horizon.look(3.0, Places({0: 0, 1: 0}, {0: 9, 1: 9}, {0: 9, 1: 5}))
    assert horizon.until == 1.0


places = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=12)


@given(places)
def test_at_any_pace_nothing_from_before_the_known_moment_is_unread(paces):
    """Each look comes after so many more were told, and so many more were read."""
    horizon, told_at, read = Horizon(), [], 0
    for now, (told, more) in enumerate(paces, start=1):
        told_at += [now - 0.5] * told
        read = min(read + more, len(told_at))
        horizon.look(float(now), Places({0: 0}, {0: len(told_at)}, {0: read}))
        assert all(at > (horizon.until or 0.0) for at in told_at[read:])
