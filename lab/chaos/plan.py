"""Which cells the matrix has: pure data, decided before the first kill."""

from collections.abc import Collection, Iterator
from itertools import groupby

import msgspec

from lab.chaos.faults.kinds import MODES
from lab.chaos.kinds import CLAIMED, HEARD, SWITCHED, TOLD, UNDOING, Direction, Kinds
from services.kit.crash_points import Arming, Point
from services.kit.faults import Catalogue, Fault, Rule
from services.kit.message import Mode

WHERE: dict[Point, Kinds] = {
    point: {
        Point.IN_COMPENSATION: UNDOING,
        Point.AFTER_PUBLISH_BEFORE_MARKING: TOLD,
        Point.IN_ORCHESTRATOR_CLAIM: CLAIMED,
        Point.IN_SWITCH_TRANSACTION: SWITCHED,
    }.get(point, HEARD)
    for point in Point
}

# A cancellation finds a shipment that was asked for and not yet answered, as timeouts do.
LATE_CANCELS = (
    Rule(Fault.DELAY, 100, "OrderCancelRequested", delay_ms=100),
    Rule(Fault.DELAY, 50, "ArrangeShipment", delay_ms=400),
)
# Longer than a step's timeout, so that the orchestrator's clock has sagas to claim.
SLOW_STEPS = (
    Rule(Fault.DELAY, 10, "ReserveStock", delay_ms=6_000),
    Rule(Fault.DELAY, 10, "ReleaseStock", delay_ms=6_000),
)


class Cell(msgspec.Struct, frozen=True):
    point: Point
    service: str
    mode: Mode
    direction: Direction

    @property
    def arming(self) -> Arming:
        kinds = WHERE[self.point][self.service, self.mode, self.direction]
        return Arming(self.point, self.mode, kinds)


class Scene(msgspec.Struct, frozen=True):
    """Cells that share one load, one after the other."""

    point: Point
    mode: Mode
    direction: Direction
    cells: tuple[Cell, ...]

    @property
    def catalogue(self) -> Catalogue:
        if self.point is Point.IN_ORCHESTRATOR_CLAIM:
            return Catalogue(rules=SLOW_STEPS)
        late = self.mode is Mode.ORCHESTRATION and self.direction is Direction.BACKWARD
        return Catalogue(rules=LATE_CANCELS if late else ())


def plan(
    points: Collection[Point], services: Collection[str], modes: Collection[Mode]
) -> list[Scene]:
    """An empty collection means all there are; only cells that exist are planned."""
    chosen = [
        cell
        for cell in _all()
        if (not points or cell.point in points)
        and (not services or cell.service in services)
        and (not modes or cell.mode in modes)
    ]
    return [
        Scene(point, mode, direction, tuple(cells))
        for (mode, direction, point), cells in groupby(chosen, _scene)
    ]


def _all() -> Iterator[Cell]:
    for mode in MODES:
        for direction in Direction:
            for point, kinds in WHERE.items():
                for service, its_mode, its_direction in kinds:
                    if (its_mode, its_direction) == (mode, direction):
                        yield Cell(point, service, mode, direction)


def _scene(cell: Cell) -> tuple[Mode, Direction, Point]:
    return cell.mode, cell.direction, cell.point
