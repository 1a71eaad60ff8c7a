"""Dead letters for people and for scripts."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

import msgspec
from rich.markup import escape
from rich.table import Table

from lab.letters.choose import said
from lab.letters.letter import Letter, State

STYLES = {State.OPEN: "red", State.REPLAYED: "", State.DISCARDED: "dim"}
INTACT = ("id", "order")


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


def table(letters: Iterable[Letter]) -> Table:
    shown = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("id", "state", "service", "type", "order", "mode", "when", "reason"):
        shown.add_column(title, no_wrap=title in INTACT, overflow="fold")
    for letter in letters:
        shown.add_row(*map(escape, _cells(letter)), style=STYLES[letter.state])
    return shown


def _cells(letter: Letter) -> tuple[str, ...]:
    return (
        letter.id,
        letter.state,
        letter.reader,
        letter.type or "?",
        letter.order_id or "?",
        letter.mode or "?",
        _time(letter.at),
        letter.reason,
    )


def counts(letters: Iterable[Letter]) -> str:
    found = Counter(letter.state for letter in letters)
    return ", ".join(f"{found[state]} {state}" for state in State if found[state])


def lines(letter: Letter, returned: Iterable[Letter]) -> Iterator[tuple[str, str]]:
    """Everything about one letter but its headers and its payload."""
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


def _time(at: datetime) -> str:
    return f"{at.astimezone():%Y-%m-%d %H:%M:%S}"
