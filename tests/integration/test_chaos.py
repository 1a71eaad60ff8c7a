"""Cells of the crash matrix, on real servers: somebody dies at the point, and nothing is lost."""

import pytest

from lab.chaos.faults.backstage import Backstage
from lab.chaos.faults.kinds import ServerFault, plan_faults
from lab.chaos.matrix import perform_all
from lab.chaos.plan import plan
from lab.chaos.watch import Watch
from lab.database import Database
from lab.demo.stage import on_stage
from lab.policy.audit import audit_stack
from services.kit.crash_points import Point
from services.kit.message import Mode
from tests.integration.waiting import eventually

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


@pytest.mark.parametrize("fault", [ServerFault.DATABASE_KILLED, ServerFault.POISON])
def test_a_fault_of_a_server_or_of_messages_loses_and_repeats_nothing(stack, fault):
    database = Database(stack.postgres.url)
    planted = audit_stack(database).violations  # by whoever had the stack before
    with on_stage(stack) as stage:
        cells = plan_faults([fault], [], [Mode.CHOREOGRAPHY])
        matrix = perform_all(stage, cells, RATE, SEED, lambda _: None)
    assert [cell.kills > 0 for cell in matrix.cells] == [True]
    assert matrix.failures == []
    assert audit_stack(database).violations == planted


def test_a_replica_that_steps_aside_for_another_comes_back(stack):
    with on_stage(stack) as stage:
        watch = Watch(stage)
        before = watch.process("payment-0").pid
        with Backstage(watch).replaced("payment") as understudy:
            assert understudy.problem() is None
            eventually(lambda: stage.broker.members("payment") == {"payment-0"}, "it is the member")
        assert watch.process("payment-0").pid not in (0, before, understudy.pid)
