"""What the demo plays, decided before the first order."""

import msgspec

from services.kit.faults import Catalogue, Fault, Rule
from services.kit.message import Mode

ORDER_OF_MODES = (Mode.ORCHESTRATION, Mode.CHOREOGRAPHY)
FEWEST_ORDERS = 50
STEADY_SHARE = 0.45
RATE = 20.0
CONCURRENCY = 64
WARM_UP = 60
QUESTIONS = 30
POLICED = 120
SWITCH_AT = (0.2, 0.55)
FAULTS = (
    Rule(Fault.FAIL, 3),
    Rule(Fault.REFUSE, 1),
    Rule(Fault.DELAY, 4, delay_ms=250),
    Rule(Fault.DUPLICATE_PUBLISH, 3),
    Rule(Fault.CRASH_BEFORE_COMMIT, 0.05),
    Rule(Fault.CRASH_AFTER_COMMIT, 0.05),
)


class Programme(msgspec.Struct, frozen=True):
    """`steady` orders at an even rate and `burst` orders as fast as they are done, in each mode;
    then `storm` orders at the even rate, with faults, during which the mode is switched when the
    given shares of them have been placed. `policed` orders see a rule change in each mode."""

    seed: int
    steady: int
    burst: int
    storm: int
    rate: float = RATE
    concurrency: int = CONCURRENCY
    warm_up: int = WARM_UP
    questions: int = QUESTIONS
    policed: int = POLICED
    faults: tuple[Rule, ...] = FAULTS
    switch_at: tuple[float, ...] = SWITCH_AT

    @property
    def catalogue(self) -> Catalogue:
        return Catalogue(self.seed, self.faults)


def programme(orders: int, seed: int, faults: tuple[Rule, ...] = FAULTS) -> Programme:
    """`orders` in each mode's own phase, and as many in the storm."""
    steady = round(orders * STEADY_SHARE)
    return Programme(
        seed,
        steady=steady,
        burst=orders - steady,
        storm=orders,
        policed=min(orders, POLICED),
        faults=faults,
    )
