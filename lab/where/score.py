"""Who makes what happen: for each event, the command that brings it about and, in the jazz band,
what its player had to hear. Read off the services' own handlers and reactions, so that an
explanation cannot drift from what they do."""

from collections.abc import Sequence
from types import ModuleType
from typing import Any, get_args, get_type_hints

import msgspec

from services.inventory import handlers as inventory_handlers
from services.inventory import reactions as inventory_reactions
from services.kit.handling import Playbook, Reaction
from services.notification import handlers as notification_handlers
from services.notification import reactions as notification_reactions
from services.order import handlers as order_handlers
from services.order import reactions as order_reactions
from services.payment import handlers as payment_handlers
from services.payment import reactions as payment_reactions
from services.shipping import handlers as shipping_handlers
from services.shipping import reactions as shipping_reactions

PLAYERS: dict[str, tuple[ModuleType, ModuleType]] = {
    "order": (order_handlers, order_reactions),
    "inventory": (inventory_handlers, inventory_reactions),
    "payment": (payment_handlers, payment_reactions),
    "shipping": (shipping_handlers, shipping_reactions),
    "notification": (notification_handlers, notification_reactions),
}


class Cue(msgspec.Struct, frozen=True):
    """On hearing one event of each part, `player` does `command`, which may come to `events`."""

    player: str
    command: str
    events: frozenset[str]
    parts: tuple[frozenset[str], ...]

    def heard(self, earlier: Sequence[str]) -> list[str] | None:
        """What the player went by, of what had happened before; None if this was not its cue."""
        latest = [
            next((kind for kind in reversed(earlier) if kind in part), None) for part in self.parts
        ]
        return None if None in latest else [kind for kind in latest if kind]


def score() -> list[Cue]:
    """All cues of the band."""
    return [cue for player in PLAYERS for cue in _cues(player)]


def _cues(player: str) -> list[Cue]:
    playbook = Playbook.of(*PLAYERS[player])
    by_rule: dict[Any, list[Reaction]] = {}
    for reaction in playbook.reactions.values():
        by_rule.setdefault(reaction.rule, []).append(reaction)
    return [_cue(player, playbook, rule, reactions) for rule, reactions in by_rule.items()]


def _cue(player: str, playbook: Playbook, rule: Any, reactions: list[Reaction]) -> Cue:
    (command,) = _returned(rule)
    events = frozenset(_returned(playbook.handlers[command]))
    return Cue(player, command, events, _parts(reactions))


def _parts(reactions: list[Reaction]) -> tuple[frozenset[str], ...]:
    """A join needs all of its parts; several reactions with one rule need any one of them."""
    if reactions[0].joins:
        return reactions[0].parts
    return (frozenset[str]().union(*(part for each in reactions for part in each.parts)),)


def _returned(function: Any) -> list[str]:
    returned = get_type_hints(function)["return"]
    return [kind.__name__ for kind in get_args(returned) or (returned,)]
