"""What retention deletes is not needed: whatever schedule there was, when everything that was ever
said is said again, inboxes drop it inside the window and settled outcomes stand outside of it."""

import logging
from random import Random

import pytest

from services.kit.metrics import Metrics
from services.kit.retention import AT_ONCE, EVERY_SECONDS, MORE_SECONDS, Pruning, Retention
from tests.simulator.chaos import draw
from tests.simulator.database import MemorySession
from tests.simulator.invariants import violations
from tests.simulator.simulate import simulate
from tests.simulator.world import Mutation, World

SEEDS = range(0, 600, 3)
WITHOUT_RULES = [seed for seed in SEEDS if not draw(Random(seed)).rules]


@pytest.fixture(autouse=True)
def _no_logging():
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def prune(world: World) -> None:
    """Much later: all that retention may ever delete is gone."""
    for store in world.stores.values():
        store.inbox.clear()
        store.facts.clear()
    world.stores["orchestrator"].own.log.clear()


def say_everything_again(world: World) -> None:
    for group in world.groups.values():
        group.committed.clear()
    for replica in world.replicas:
        replica.positions.clear()
        replica.done.clear()
    world.come_to_rest()


def what_was_said(world: World) -> set[str]:
    """By id: a producer may still repeat itself, and says nothing new by that."""
    return {entry.message.id for entry in world.broker.entries() if entry.message}


def books(world: World) -> list[object]:
    """All that customers, the bank and the warehouse have."""
    tables = [world.stores[each].own for each in ("inventory", "payment", "shipping")]
    orders = [(row.status, row.reason, row.closed) for row in world.book.orders.values()]
    return [repr(tables), orders, list(world.stores["notification"].own)]


@pytest.mark.parametrize("share", range(4))
def test_inside_the_window_what_comes_again_is_dropped(share):
    for seed in SEEDS[share::4]:
        world = simulate(seed)
        said, before = what_was_said(world), books(world)
        say_everything_again(world)
        assert what_was_said(world) == said, seed
        assert (books(world), violations(world)) == (before, []), seed


@pytest.mark.parametrize("share", range(4))
def test_outside_the_window_what_comes_again_changes_nothing(share):
    """Things may be said once more, and heard once more; nothing is done once more. (Where there
    are rules, a step may also be decided once more, and the outcome that is settled stands.)"""
    for seed in WITHOUT_RULES[share::4]:
        world = simulate(seed)
        before = books(world)
        prune(world)
        say_everything_again(world)
        assert books(world) == before, seed
        assert [each for each in violations(world) if "was heard" not in each] == [], seed


def test_orders_end_also_when_joins_forget_meanwhile():
    """Both halves are said again when the order expires. (What rules hold is not forgotten: a hold
    ends long before that.)"""
    for seed in WITHOUT_RULES:
        fading = Random(seed)

        class FadingMemory(MemorySession):
            def merge_facts(self, heard, fading=fading):
                if fading.random() < 0.2:
                    self.store.facts.clear()
                return super().merge_facts(heard)

        simulate(seed, Mutation(session=FadingMemory))


def test_the_worker_is_held_up_for_one_small_batch_at_a_time():
    left, metrics = [AT_ONCE + 7], Metrics("test")

    class Table(Pruning):
        def prune(self, limit):
            gone = min(left[0], limit)
            left[0] -= gone
            return gone

    table = Table(Retention("inbox", "received_at", 1.0), None, metrics)
    assert [table.run(), table.run(), table.run()] == [MORE_SECONDS, EVERY_SECONDS, EVERY_SECONDS]
    assert left == [0]
