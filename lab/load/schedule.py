"""When the orders of an open-loop load arrive, decided before the first one is sent.

Nothing that happens later moves an arrival: a reply is timed from the moment its order was due, so
a stack that stalls cannot slow the load down and hide its own delay (coordinated omission).
"""

from itertools import accumulate
from random import Random


def arrivals(orders: int, rate: float, seed: int) -> list[float]:
    """Seconds after the start, ascending: independent customers, `rate` a second on average."""
    random = Random(seed)
    return list(accumulate(random.expovariate(rate) for _ in range(orders)))
