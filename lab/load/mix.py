"""Which orders a load consists of: the same seed gives the same orders, in the same sequence.

Shares are exact, not drawn order by order: two loads of one size and seed carry the same number of
doomed orders, so that two modes are compared on the same work.
"""

from collections.abc import Iterator
from random import Random
from typing import Literal

import msgspec

Cause = Literal["inventory", "payment", "shipping"]

CAUSES: tuple[Cause, ...] = ("inventory", "payment", "shipping")
SKUS = ("guitar", "violin", "cello", "trumpet", "saxophone", "clarinet", "drums", "piano")
SOLD_OUT = "theremin"
CARDS = ("tok-visa", "tok-mastercard")
DECLINED_CARD = "tok-declined"
PLACES = (
    ("DE", "Berlin", "10115"),
    ("FR", "Lyon", "69001"),
    ("IT", "Cremona", "26100"),
    ("ES", "Sevilla", "41001"),
    ("NL", "Utrecht", "3511"),
    ("US", "New Orleans", "70116"),
)
UNSERVED_PLACE = ("AQ", "McMurdo", "96599")
NAMES = ("Ella", "Miles", "Clara", "Duke", "Nadia", "Django", "Billie", "Fanny")
CUSTOMERS = 500
MAX_LINES = 3
DOOMED = 10.0
MAX_QUANTITY = 2


class Item(msgspec.Struct, frozen=True):
    sku: str
    quantity: int


class Address(msgspec.Struct, frozen=True):
    name: str
    country: str
    city: str
    postcode: str


class Draft(msgspec.Struct, frozen=True):
    """The body of `POST /orders`."""

    customer_id: str
    items: tuple[Item, ...]
    card: str
    currency: str
    ship_to: Address


class Planned(msgspec.Struct, frozen=True):
    """One order of a load, before it is placed; `number` is its position."""

    number: int
    draft: Draft
    doomed_at: Cause | None
    cancel: bool


def mix(orders: int, seed: int, doomed: float = DOOMED, cancelled: float = 0.0) -> list[Planned]:
    """`doomed` and `cancelled` are percentages; the doomed fail at each participant in turn."""
    random = Random(seed)
    causes = _spread(orders, doomed, random)
    cancels = _spread(orders, cancelled, random)
    return [
        Planned(
            number=number,
            draft=_draft(random, cause := _cause(causes.get(number))),
            doomed_at=cause,
            cancel=number in cancels,
        )
        for number in range(orders)
    ]


def _spread(orders: int, percent: float, random: Random) -> dict[int, int]:
    """Exactly `percent` of the positions, scattered: position -> its rank among the chosen."""
    chosen = random.sample(range(orders), round(orders * percent / 100))
    return {number: rank for rank, number in enumerate(chosen)}


def _cause(rank: int | None) -> Cause | None:
    return None if rank is None else CAUSES[rank % len(CAUSES)]


def _draft(random: Random, cause: Cause | None) -> Draft:
    country, city, postcode = UNSERVED_PLACE if cause == "shipping" else random.choice(PLACES)
    return Draft(
        customer_id=f"c-{random.randrange(CUSTOMERS):04}",
        items=tuple(_basket(random, sold_out=cause == "inventory")),
        card=DECLINED_CARD if cause == "payment" else random.choice(CARDS),
        currency="EUR",
        ship_to=Address(random.choice(NAMES), country, city, postcode),
    )


def _basket(random: Random, *, sold_out: bool) -> Iterator[Item]:
    for sku in random.sample(SKUS, random.randint(1, MAX_LINES)):
        yield Item(sku, random.randint(1, MAX_QUANTITY))
    if sold_out:
        yield Item(SOLD_OUT, 1)
