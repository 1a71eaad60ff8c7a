"""What the shop sells. Order prices it, inventory stocks it; the theremin is always sold out."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

PRICES_CENTS: Final[Mapping[str, int]] = MappingProxyType(
    {
        "cello": 289_000,
        "clarinet": 64_900,
        "drums": 119_000,
        "guitar": 39_900,
        "piano": 849_000,
        "saxophone": 149_000,
        "theremin": 55_500,
        "trumpet": 42_000,
        "violin": 74_900,
    }
)
SOLD_OUT: Final = frozenset({"theremin"})
CURRENCY: Final = "EUR"
