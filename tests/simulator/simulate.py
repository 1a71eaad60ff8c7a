"""Run a seed and judge it."""

from __future__ import annotations

from tests.simulator.chaos import Plan
from tests.simulator.invariants import violations
from tests.simulator.world import SOUND, Mutation, NoRest, World

REPLAY = "SIMULATOR_SEED={seed} .venv/bin/pytest tests/unit/services -k keeps_every_invariant"


class Broken(AssertionError):
    """A schedule that breaks an invariant, told from its beginning."""

    def __init__(self, world: World, found: list[str]) -> None:
        self.world, self.found = world, found
        lines = ["", f"seed {world.seed}: {world.plan}", *world.trace.lines(), ""]
        lines += [f"VIOLATED  {violation}" for violation in found]
        lines += [f"REPLAY    {REPLAY.format(seed=world.seed)}"]
        super().__init__("\n".join(lines))


def simulate(seed: int, mutation: Mutation = SOUND, plan: Plan | None = None) -> World:
    """Raise `Broken` if this schedule violates an invariant."""
    world = World(seed, mutation, plan)
    found: list[str] = []
    try:
        world.run()
    except NoRest as error:
        found.append(str(error))
    found += violations(world)
    if found:
        raise Broken(world, found)
    return world
