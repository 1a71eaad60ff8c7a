"""`/metrics`, as far as counting needs it; pure."""

import re
from collections.abc import Iterator

import msgspec

LINE = re.compile(r"^(?P<name>[a-zA-Z_:][\w:]*)(?:\{(?P<labels>.*?)\})? (?P<value>\S+)")
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


class Sample(msgspec.Struct, frozen=True):
    name: str
    labels: dict[str, str]
    value: float


def samples(exposition: str) -> Iterator[Sample]:
    """Every series with its value; exemplars and comments are passed over."""
    for line in exposition.splitlines():
        if match := LINE.match(line):
            labels = dict(LABEL.findall(match["labels"] or ""))
            yield Sample(match["name"], labels, float(match["value"]))
