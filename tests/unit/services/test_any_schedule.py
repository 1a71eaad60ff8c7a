"""Whatever happens in whatever order, in both modes: every order ends, and everything adds up.

`SIMULATOR_SEED=7 .venv/bin/pytest tests/unit/services -k keeps_every_invariant` repeats a schedule;
`SIMULATOR_SCHEDULES=100000` runs more of them.
"""

import logging
import os
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from services.kit.faults import Catalogue
from services.kit.message import Mode
from services.policy.rules import Effect, Hold, Rule
from services.policy.steps import REFUSABLE, reason_of
from tests.simulator.broker import Losses
from tests.simulator.chaos import Chaos, draw
from tests.simulator.invariants import violations
from tests.simulator.simulate import simulate
from tests.simulator.world import World

ROOT = Path(__file__).parents[3]
SCHEDULES = int(os.environ.get("SIMULATOR_SCHEDULES", "1600"))
SHARES = 8
TELL = (
    "from tests.simulator.simulate import simulate; print(*simulate({}).trace.lines(), sep='\\n')"
)


@pytest.fixture(autouse=True)
def _no_logging():
    """Thousands of crashes are not news; the trace of the one that matters is."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def seeds(share: int) -> list[int]:
    if "SIMULATOR_SEED" in os.environ:
        return [int(os.environ["SIMULATOR_SEED"])] if share == 0 else []
    return list(range(share, SCHEDULES, SHARES))


@pytest.mark.parametrize("share", range(SHARES))
def test_any_schedule_keeps_every_invariant(share):
    for seed in seeds(share):
        simulate(seed)


def test_what_somebody_declines_is_not_carried_out_though_its_rule_is_gone():
    """An hour to answer in, and the rules go while orders are held."""
    declined = 0
    for seed in range(150):
        rule = Rule(name="a-look", guards=REFUSABLE[seed % 3], effect=Effect.HOLD)
        drawn = replace(draw(Random(seed)), rules=(rule,), rules_from_start=True)
        world = simulate(seed, plan=replace(drawn, later_rules=(), answers=True))
        declined += sum(row.declined for row in world.book.orders.values())
    assert declined > 3


@pytest.mark.parametrize("step", REFUSABLE)
def test_no_order_is_lost_because_nobody_has_read_yet_that_it_is_held(step):
    """The order service's timeline stands still for longer than an order may take."""
    rule, held = Rule(name="a-look", guards=step, effect=Effect.HOLD, hold=Hold(20.0, "allow")), 0
    for seed in range(20):
        calm = replace(draw(Random(seed)), chaos=Chaos(), losses=Losses(), catalogue=Catalogue())
        plan = replace(calm, mode=Mode.CHOREOGRAPHY, weight=100, rules=(rule,))
        plan = replace(plan, rules_from_start=True, answers=False, later_rules=None)
        world = World(seed, plan=plan)
        listening = [each for each in world.replicas if each.blueprint.name == "order-timeline"]
        for replica in listening:
            replica.busy = True
        world.run()
        assert violations(world) == []
        held += sum(bool(row.holds) for row in world.book.orders.values())
    assert held > 3


def test_the_schedules_are_worth_their_time():
    """Both modes, both ends, every reason, switches under way, and trouble of every kind."""
    ends, notes = Counter(), Counter()
    for seed in range(300):
        world = simulate(seed)
        for row in world.book.orders.values():
            ends[row.mode, row.reason or row.status.value] += 1
        text = "\n".join(world.trace.lines())
        notes.update(sign for sign in SIGNS if sign in text)
        notes["both modes at once"] += len({row.mode for row in world.book.orders.values()}) > 1
    for mode in Mode:
        for reason in ("confirmed", "cancelled", "out_of_stock", "card_declined", "refused"):
            assert ends[mode, reason] > 3, (mode, reason, ends)
        for rule in ("no-drums", "named", "a-look", "first-look", "one-each"):
            assert ends[mode, reason_of(rule)], (mode, rule, ends)
    assert ends[Mode.CHOREOGRAPHY, "timed_out"] > 3
    assert min(notes[sign] for sign in (*SIGNS, "both modes at once")) > 3, notes


SIGNS = (
    "dies before its commit",
    "dies after its commit",
    "dies after publication",
    "committed and does not know it",
    "the database is away",
    "pauses before it publishes",
    "pauses before its transaction",
    "rebalances",
    "resumes",
    "garbage comes",
    "OrderExpired",
    "ReserveStock:2",
    "the route is",
    "hears of rules",
    "StepHeld",
    "is approved",
    "is declined",
)


def test_a_seed_repeats_its_schedule_in_any_process():
    lines = [
        subprocess.run(
            [sys.executable, "-W", "ignore", "-c", TELL.format(17)],
            env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed in ("1", "2")
    ]
    assert lines[0] == lines[1]
    assert len(lines[0].splitlines()) > 20
