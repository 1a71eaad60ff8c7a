"""The spans of the last moments, where SIGKILL does not reach them: in files.

Spans wait a second or more in memory until they are exported, and a killed process takes them with
it; the traces that they belong to would have holes. So each is written down when it ends, and told
again by the process's next life, exactly as it was: backends recognise it by its id.

What a transaction will have done is noted before it commits, with its message as the key. After a
crash nobody knows whether it did commit, until that is proven: its outbox row is there, or its
message comes again and the inbox knows it.

Two files take turns, so that the newest spans are always there and none is kept for long.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from services.kit.span import Told

log = logging.getLogger(__name__)

FILE_BYTES = 2 << 20
RECENT_SECONDS = 30.0


class Entry(msgspec.Struct, frozen=True):
    """Without a `key` the spans are facts, with one they are what will be if it commits."""

    spans: list[Told]
    key: str = ""


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Entry).decode


class Journal:
    """Thread-safe. A write costs a system call and no wait for a disk. Where nothing can be
    written, it does nothing: no order waits for its trace."""

    def __init__(self, folder: Path, instance: str) -> None:
        self._folder = folder
        self._paths = [folder / f"{instance}.spans.{turn}" for turn in range(2)]
        self._lock = threading.Lock()
        self._turn = self._written = 0
        self._file: int | None = None

    def begin(self) -> tuple[list[Told], list[Entry]]:
        """What an earlier life left: spans that are facts, and notes nobody has seen come true.
        The files begin anew."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            entries = list(self._left())
            for path in self._paths:
                path.unlink(missing_ok=True)
            self._open()
        except OSError as error:
            self._give_up(error)
            return [], []
        return _sorted_out(entries)

    def write(self, spans: Sequence[Told], key: str = "") -> None:
        line = _encode(Entry(list(spans), key)) + b"\n"
        with self._lock:
            if self._file is None:
                return
            try:
                if self._written > FILE_BYTES:
                    self._turn = 1 - self._turn
                    self._open()
                os.write(self._file, line)
            except OSError as error:
                self._give_up(error)
            self._written += len(line)

    def close(self) -> None:
        """All is exported: nothing is left to tell."""
        with self._lock:
            if self._file is not None:
                os.close(self._file)
                self._file = None
        for path in self._paths:
            with suppress(OSError):
                path.unlink(missing_ok=True)

    def _open(self) -> None:
        if self._file is not None:
            os.close(self._file)
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND
        self._file, self._written = os.open(self._paths[self._turn], flags, 0o600), 0

    def _give_up(self, error: OSError) -> None:
        log.warning("spans are not written down, and a kill would take some: %s", error)
        self._file = None

    def _left(self) -> Iterator[Entry]:
        """The last line of a killed process may be torn."""
        for path in self._paths:
            for line in path.read_bytes().splitlines() if path.exists() else ():
                try:
                    yield _decode(line)
                except msgspec.DecodeError:
                    continue


def _sorted_out(entries: Sequence[Entry]) -> tuple[list[Told], list[Entry]]:
    facts = {span.context: span for entry in entries if not entry.key for span in entry.spans}
    newest = max((span.end for span in facts.values()), default=0.0)
    recent = [span for span in facts.values() if span.end > newest - RECENT_SECONDS]
    last = {entry.key: entry.spans for entry in entries if entry.key}
    notes = (
        Entry([span for span in spans if span.context not in facts], key)
        for key, spans in last.items()
    )
    return recent, [note for note in notes if note.spans]
