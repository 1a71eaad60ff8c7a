"""Which letters a command means, and what is to be done with them. Pure.

Errors: `UnknownLetterError` (nobody has it, or several have), `ResolvedError` (it is not to be
done to a letter in this state).
"""

from collections.abc import Iterable, Sequence

import msgspec

from lab.errors import BandstandError
from lab.letters.letter import Letter, State

SHORTEST_PREFIX = 4


class UnknownLetterError(BandstandError):
    """No letter has this id, or more than one begins with it."""


class ResolvedError(BandstandError):
    """Somebody has decided otherwise before; nothing was done to any letter."""


class Plan(msgspec.Struct, frozen=True):
    """`done` are those to which it was done before: doing it again changes nothing."""

    todo: list[Letter]
    done: list[Letter]


def matching(
    letters: Iterable[Letter], service: str | None, order: str | None, resolved: bool = False
) -> list[Letter]:
    """Those of a service and of an order, if they are asked for; open ones, or all."""
    return [
        letter
        for letter in letters
        if (resolved or letter.state is State.OPEN)
        and service in (None, letter.service)
        and order in (None, letter.order_id)
    ]


def named(letters: Sequence[Letter], names: Iterable[str]) -> list[Letter]:
    """Each letter once, in the order of their burials, so that what is replayed keeps it."""
    ids = {_named(letters, name).id for name in names}
    return [letter for letter in letters if letter.id in ids]


def _named(letters: Sequence[Letter], name: str) -> Letter:
    """An id may be cut short, as long as it is clear which is meant."""
    found = [letter for letter in letters if letter.id == name]
    if not found and len(name) >= SHORTEST_PREFIX:
        found = [letter for letter in letters if letter.id.startswith(name)]
    if not found:
        raise UnknownLetterError(f"there is no dead letter {name}")
    if len(found) > 1:
        ids = ", ".join(letter.id for letter in found)
        raise UnknownLetterError(f"{name} may be any of {ids}")
    return found[0]


def to_replay(letters: Iterable[Letter], again: bool = False) -> Plan:
    """Sending again what was sent before is harmless: its reader has the receipt."""
    chosen = list(letters)
    if again:
        return Plan(chosen, [])
    for letter in chosen:
        if letter.state is State.DISCARDED:
            raise ResolvedError(f"{said(letter)}; --again replays it all the same")
    return _plan(chosen, State.REPLAYED)


def to_discard(letters: Iterable[Letter]) -> Plan:
    chosen = list(letters)
    for letter in chosen:
        if letter.state is State.REPLAYED:
            raise ResolvedError(f"{said(letter)}: there is nothing to discard")
    return _plan(chosen, State.DISCARDED)


def came_back(letters: Iterable[Letter], replayed: Iterable[Letter]) -> list[Letter]:
    """What could not be handled when it was replayed either."""
    ids = {letter.id for letter in replayed}
    return [letter for letter in letters if letter.replay_of in ids]


def said(letter: Letter) -> str:
    """What became of it, for people."""
    when = f" {letter.resolved_at.astimezone():%Y-%m-%d %H:%M:%S}" if letter.resolved_at else ""
    because = f" ({letter.resolved_because})" if letter.resolved_because else ""
    return f"{letter.id} {letter.state}{when}{because}"


def _plan(letters: list[Letter], done: State) -> Plan:
    return Plan(
        [letter for letter in letters if letter.state is State.OPEN],
        [letter for letter in letters if letter.state is done],
    )
