"""Cells of the crash matrix, on real servers: somebody dies at the point, and nothing is lost."""

import pytest

from lab.chaos.matrix import perform_all
from lab.chaos.plan import plan
from lab.demo.stage import on_stage
from services.kit.crash_points import Point
from services.kit.message import Mode

RATE = 20
SEED = 3


@pytest.fixture
def struck(stack):
    def strike(points, service, mode):
        with on_stage(stack) as stage:
            return perform_all(stage, plan(points, [service], [mode]), RATE, SEED, lambda _: None)

    return strike


def test_a_service_that_dies_before_its_commit_or_after_it_loses_and_repeats_nothing(struck):
    points = [Point.BEFORE_COMMIT, Point.AFTER_PUBLISH_BEFORE_MARKING]
    matrix = struck(points, "payment", Mode.CHOREOGRAPHY)
    assert len(matrix.cells) == 4
    assert all(cell.kills == 1 for cell in matrix.cells), matrix.cells
    assert matrix.failures == []


def test_a_switch_that_dies_in_its_transaction_has_not_happened(struck):
    matrix = struck([Point.IN_SWITCH_TRANSACTION], "order", Mode.ORCHESTRATION)
    assert [cell.kills for cell in matrix.cells] == [1, 1]
    assert matrix.failures == []
