"""Dead letters for people and for scripts."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

import msgspec
from rich.text import Text

from lab.letters.choose import said
from lab.letters.letter import Letter, State
from services.kit.dead_letters import OURS

STYLES = {State.OPEN: "red", State.REPLAYED: "", State.DISCARDED: "dim"}
COLUMNS = ("id", "state", "service", "type", "mode", "when", "order", "reason")


def summary(letter: Letter) -> dict[str, Any]:
    """One line of a list; `detail` has the rest."""
    return {name: getattr(letter, name) for name in letter.__struct_fields__ if name != "record"}


def detail(letter: Letter) -> dict[str, Any]:
    record = letter.record
    kept = {"topic": record.topic, "partition": record.partition, "offset": record.offset}
    headers = {name: value.decode("utf-8", "replace") for name, value in record.headers}
    payload = {"payload": payload_of(letter), "key": record.key.decode("utf-8", "replace")}
    return {**summary(letter), "kept": kept, "headers": headers, **payload}


def payload_of(letter: Letter) -> Any:
    """Decoded, or the text of what is no JSON."""
    try:
        return msgspec.json.decode(letter.record.value)
    except msgspec.DecodeError:
        return letter.record.value.decode("utf-8", "backslashreplace")


def listing(letters: Iterable[Letter]) -> Iterator[Text]:
    """A line a letter, never wrapped or cut: ids are there to be copied, reasons to be searched."""
    rows = [(COLUMNS, "bold"), *((_cells(letter), STYLES[letter.state]) for letter in letters)]
    widths = [max(len(cells[column]) for cells, _ in rows) for column in range(len(COLUMNS))]
    for cells, style in rows:
        padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
        yield Text("  ".join(padded).rstrip(), style)


def _cells(letter: Letter) -> tuple[str, ...]:
    return (
        letter.id,
        letter.state,
        letter.reader,
        letter.type or "?",
        letter.mode or "?",
        _time(letter.at),
        letter.order_id or "?",
        letter.reason,
    )


def counts(letters: Iterable[Letter]) -> str:
    found = Counter(letter.state for letter in letters)
    if not found:
        return "no dead letters"
    return ", ".join(f"{found[state]} {state}" for state in State)


def lines(letter: Letter, returned: Iterable[Letter]) -> Iterator[tuple[str, str]]:
    """Everything about one letter but its payload."""
    original = letter.original
    place = f" partition {original.partition} offset {original.offset}"
    yield "dead letter", said(letter) if letter.state is not State.OPEN else f"{letter.id} open"
    yield "reason", letter.reason
    yield "reader", letter.reader
    yield "when", _time(letter.at)
    yield "message", letter.message_id or "cannot be read"
    yield "mode", letter.mode or "?"
    yield "order", letter.order_id or "?"
    yield "trace", letter.trace_id or "none"
    yield "original", original.topic + (place if original.offset is not None else "")
    if letter.replay_of:
        yield "replay of", letter.replay_of
    for other in returned:
        yield "came back as", f"{other.id} {other.state}: {other.reason}"
    for name, value in letter.record.headers:
        if not name.startswith(OURS):
            yield name, value.decode("utf-8", "replace")


def _time(at: datetime) -> str:
    return f"{at.astimezone():%Y-%m-%d %H:%M:%S}"
