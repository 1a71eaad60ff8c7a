"""A process dies where it was told to, with what it was told to have in hand, and nowhere else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kit.crash_points import Arming, CrashPoints, Point
from services.kit.message import Mode
from services.messages import ReleaseStock
from tests.unit.services.builders import ORDER_ID, a_message

RELEASE = ReleaseStock(order_id=ORDER_ID, reason="declined")
KINDS = st.sampled_from(["ReserveStock", "ReleaseStock", "OrderPlaced"])
ARMINGS = st.builds(
    Arming, st.sampled_from(Point), st.sampled_from(Mode), st.frozensets(KINDS, max_size=2)
)


class Died(BaseException):
    pass


def die():
    raise Died


def crash_points(armed=None):
    found = CrashPoints(kill=die)
    found.armed = armed
    return found


@given(st.none() | ARMINGS, st.sampled_from(Point), st.sampled_from(Mode), KINDS)
def test_a_process_dies_exactly_where_and_with_what_it_was_told(armed, point, mode, kind):
    wanted = armed is not None and (armed.point, armed.mode) == (point, mode)
    if wanted and kind in armed.kinds:
        with pytest.raises(Died):
            crash_points(armed).here(point, mode, kind)
    else:
        crash_points(armed).here(point, mode, kind)


def test_one_message_of_a_batch_is_enough():
    points = crash_points(
        Arming(Point.BEFORE_COMMIT, Mode.ORCHESTRATION, frozenset(["ReleaseStock"]))
    )
    points.handling(Point.AFTER_POLL, [a_message(RELEASE, Mode.ORCHESTRATION)])
    with pytest.raises(Died):
        points.handling(Point.BEFORE_COMMIT, [a_message(RELEASE, Mode.ORCHESTRATION)])


def test_disarmed_nothing_is_looked_at():
    def messages():
        raise AssertionError("looked at")
        yield

    crash_points().handling(Point.AFTER_POLL, messages())
