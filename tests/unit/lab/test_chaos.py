"""Which cells the crash matrix has, and what their results come to."""

from datetime import UTC, datetime
from itertools import product

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.chaos.faults.kinds import ServerFault, plan_faults
from lab.chaos.kinds import HEARD, TOLD, UNDOING, Direction
from lab.chaos.plan import Cell, plan
from lab.chaos.results import CellResult, Judgement, Matrix, Recovery, result, worst
from lab.chaos.strike import Struck
from lab.chaos.tables import tables
from lab.commands.chaos import Only, Wanted
from lab.stack.options import SERVICES
from services.inventory.service import PLAYBOOK as INVENTORY
from services.kit.crash_points import Point
from services.kit.message import Mode
from services.messages import vocabulary
from services.notification.service import PLAYBOOK as NOTIFICATION
from services.orchestrator.order_saga import ORDER as SCORE
from services.order.service import PLAYBOOK as ORDER
from services.payment.service import PLAYBOOK as PAYMENT
from services.shipping.service import PLAYBOOK as SHIPPING

PLAYBOOKS = {
    "order": ORDER,
    "inventory": INVENTORY,
    "payment": PAYMENT,
    "shipping": SHIPPING,
    "notification": NOTIFICATION,
}
SOME = {
    "points": st.frozensets(st.sampled_from(Point)),
    "services": st.frozensets(st.sampled_from(SERVICES)),
    "modes": st.frozensets(st.sampled_from(Mode)),
}
SECONDS = st.none() | st.floats(0, 100)
RECOVERIES = st.builds(Recovery, st.integers(0, 99), SECONDS, SECONDS, SECONDS)
JUDGEMENTS = st.builds(
    Judgement, st.integers(0, 3), st.just([]), st.integers(0, 3), st.integers(0, 3), st.booleans()
)


def cells(points=(), services=(), modes=()):
    return [cell for scene in plan(points, services, modes) for cell in scene.cells]


def acts_upon(service, mode):
    """All types that a service acts upon in a mode, by its own word."""
    if service == "orchestrator":
        return SCORE.events
    playbook = PLAYBOOKS[service]
    return set(playbook.handlers if mode is Mode.ORCHESTRATION else playbook.reactions)


STRUCK = st.builds(
    Struck, st.sampled_from(cells()), st.integers(0, 2), st.just(1.0), st.just(2.0), st.booleans()
)
RESULTS = st.builds(result, STRUCK, RECOVERIES, JUDGEMENTS)


def test_every_point_every_service_both_modes_and_directions_are_in_the_matrix():
    found = cells()
    assert {cell.point for cell in found} == set(Point)
    for mode in Mode:
        for direction in Direction:
            there = {c.service for c in found if (c.mode, c.direction) == (mode, direction)}
            conducts = mode is Mode.ORCHESTRATION
            assert there == set(SERVICES) - (set() if conducts else {"orchestrator"})


def test_no_cell_is_there_twice():
    assert len(cells()) == len(set(cells()))


@pytest.mark.parametrize(
    ("point", "services", "modes"),
    [
        (Point.IN_ORCHESTRATOR_CLAIM, {"orchestrator"}, {Mode.ORCHESTRATION}),
        (Point.IN_SWITCH_TRANSACTION, {"order"}, set(Mode)),
        (Point.IN_COMPENSATION, {"inventory", "payment", "shipping"}, set(Mode)),
    ],
)
def test_a_point_is_struck_only_where_it_exists(point, services, modes):
    found = cells(points=[point])
    assert {cell.service for cell in found} == services
    assert {cell.mode for cell in found} == modes


@given(**SOME)
def test_a_choice_is_a_part_of_the_whole(points, services, modes):
    assert cells(points, services, modes) == [
        cell
        for cell in cells()
        if (not points or cell.point in points)
        and (not services or cell.service in services)
        and (not modes or cell.mode in modes)
    ]


@given(**SOME)
def test_the_cells_of_a_scene_share_their_load(points, services, modes):
    for scene in plan(points, services, modes):
        shared = {(cell.point, cell.mode, cell.direction) for cell in scene.cells}
        assert shared == {(scene.point, scene.mode, scene.direction)}


@pytest.mark.parametrize("key", HEARD, ids="-".join)
def test_what_a_service_is_killed_over_is_what_it_acts_upon(key):
    service, mode, _ = key
    assert HEARD[key] <= set(acts_upon(service, mode))


def test_a_direction_is_forward_or_backward_and_nothing_is_both():
    for service, mode, direction in HEARD:
        other = Direction.BACKWARD if direction is Direction.FORWARD else Direction.FORWARD
        if service != "notification":
            assert not HEARD[service, mode, direction] & HEARD[service, mode, other]


def test_what_a_service_tells_is_known():
    assert frozenset().union(*TOLD.values()) <= set(vocabulary().kinds)


@pytest.mark.parametrize("key", UNDOING, ids="-".join)
def test_a_compensation_is_one_by_the_services_own_word(key):
    _, mode, _ = key
    if mode is Mode.ORCHESTRATION:
        assert all(vocabulary().kinds[kind].compensates for kind in UNDOING[key])


@given(STRUCK, RECOVERIES, JUDGEMENTS)
def test_a_cell_holds_only_if_something_died_and_nothing_else_happened(struck, recovery, judged):
    found = result(struck, recovery, judged)
    assert found.holds == (
        struck.kills > 0
        and struck.calm
        and judged.quiet
        and not (judged.violations or judged.lost or judged.duplicated)
    )


@given(STRUCK, RECOVERIES, JUDGEMENTS)
def test_without_a_kill_there_are_no_figures(struck, recovery, judged):
    found = result(struck, recovery, judged)
    if not struck.kills:
        assert (found.orders, found.gap_seconds, found.backlog_seconds) == (0, None, None)


def test_every_fault_is_in_the_matrix_in_both_modes():
    found = [(cell.point, cell.mode) for cell in plan_faults((), (), ())]
    assert sorted(found) == sorted(product(ServerFault, Mode))


def test_whoever_names_a_point_or_a_fault_wants_nothing_else():
    point, fault = [Point.AFTER_POLL], [ServerFault.POISON]
    for points, faults, only, expected in [
        ([], [], None, (True, True)),
        (point, [], None, (True, False)),
        ([], fault, None, (False, True)),
        (point, fault, None, (True, True)),
        ([], [], Only.POINTS, (True, False)),
        ([], [], Only.FAULTS, (False, True)),
    ]:
        wanted = Wanted(points, faults, only)
        assert (wanted.are_points, wanted.are_faults) == expected


FAULT_RESULTS = st.builds(
    result,
    st.builds(
        Struck,
        st.sampled_from(plan_faults((), (), ())),
        st.integers(0, 2),
        lasted=SECONDS,
        seen=st.just({"sent": 3}),
    ),
    RECOVERIES,
    JUDGEMENTS,
)


@given(st.lists(FAULT_RESULTS, min_size=1, max_size=5))
def test_faults_have_a_table_of_their_own_and_the_shape_of_every_cell(results):
    assert len(tables(a_matrix(*results))) == 1
    for each in msgspec.to_builtins(results):
        asked = {"point", "service", "mode", "direction", "kills", "orders", "violations"}
        assert asked <= each.keys()


@given(st.lists(RESULTS, max_size=5))
def test_the_worst_of_many_is_no_better_than_any(results):
    found = worst(results)
    assert found.kills == sum(each.kills for each in results)
    gaps = [each.gap_seconds for each in results if each.gap_seconds is not None]
    assert found.gap == (max(gaps) if gaps else None)


def a_matrix(*results):
    return Matrix(datetime(2026, 11, 23, tzinfo=UTC), 1.0, 40.0, len(results), list(results))


def a_result(kills=1, violations=0) -> CellResult:
    cell = Cell(Point.AFTER_POLL, "payment", Mode.CHOREOGRAPHY, Direction.BACKWARD)
    judgement = Judgement(violations, [], 0, 0, quiet=True)
    return result(Struck(cell, kills, 1.0, 2.0), Recovery(9, 1.0, 2.0, 3.0), judgement)


def test_a_matrix_names_what_failed():
    assert a_matrix(a_result()).failures == []
    assert a_matrix(a_result(kills=0), a_result(violations=2)).failures == [
        "after_poll of payment (choreography, backward): it did not strike",
        "after_poll of payment (choreography, backward): 2 violations",
    ]


def test_a_matrix_that_was_interrupted_is_no_whole_one():
    part = msgspec.structs.replace(a_matrix(a_result()), planned=3)
    assert part.failures == ["2 cells were not played"]


@given(st.lists(RESULTS, max_size=5))
def test_each_mode_that_was_played_has_a_table(results):
    assert len(tables(a_matrix(*results))) == len({each.mode for each in results})
