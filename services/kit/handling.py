"""How a service says what it does: `@handles` for commands, `@reacts_to` for the band's rules.

The decorators only mark functions; `Playbook` collects the marks from a service's modules, so
importing a module has no effect.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import ModuleType, UnionType
from typing import Any, TypeVar, get_args, get_type_hints

from services.kit.message import Body, Command, Event, Message
from services.kit.session import Fact

F = TypeVar("F", bound=Callable[..., Any])
Handler = Callable[[Any, Any], Event]
Refusal = Callable[[Any, Any, str], Event]
Part = type[Event] | UnionType


def handles(command: type[Command]) -> Callable[[F], F]:
    """`f(command, state) -> event`: one local transaction's decision, whoever asked for it."""
    return _mark("__handles__", command)


def refuses(command: type[Command]) -> Callable[[F], F]:
    """`f(command, state, reason) -> event`: the business refusal of a command.

    It stands for an injected refusal and for the end of a transient failure's retries. A command
    without one is retriable: it is repeated until it succeeds.
    """
    return _mark("__refuses__", command)


def reacts_to(*events: type[Event]) -> Callable[[F], F]:
    """`f(event) -> command` for any one of these events; active in choreography only."""
    return _mark("__reacts_to__", tuple((event,) for event in events))


def reacts_to_all(*parts: Part) -> Callable[[F], F]:
    """`f(*events) -> command` once every part was heard; a union is heard by any member.

    The join is the hard part of choreography: nobody but the listener remembers the first half.
    """
    return _mark("__reacts_to__", (parts,))


def _mark(name: str, value: object) -> Callable[[F], F]:
    def mark(function: F) -> F:
        setattr(function, name, value)
        return function

    return mark


@dataclass(frozen=True)
class Reaction:
    """One rule: `parts` are the alternatives to hear, in the order of the rule's arguments."""

    parts: tuple[frozenset[str], ...]
    rule: Callable[..., Command]

    @property
    def makes(self) -> str:
        """The command's type, as the rule declares it."""
        made: type[Command] = get_type_hints(self.rule)["return"]
        return made.__name__

    @property
    def joins(self) -> bool:
        return len(self.parts) > 1

    def heard(self, facts: Mapping[str, Any]) -> list[str] | None:
        """The event types to apply the rule to, or None while a part is missing."""
        chosen = [
            next((kind for kind in sorted(part) if kind in facts), None) for part in self.parts
        ]
        return None if None in chosen else [kind for kind in chosen if kind is not None]

    def attempt(self, facts: Mapping[str, Fact]) -> int:
        """The latest that it was heard in; 0 while a part is missing."""
        if self.heard(facts) is None:
            return 0
        return max(facts[kind].attempt for part in self.parts for kind in part if kind in facts)

    def is_due(self, message: Message, before: Mapping[str, Fact], now: Mapping[str, Fact]) -> bool:
        """A join is done once an attempt, for the message that completed it. Only what came to
        nothing comes again once it is known: put off, or replayed. So the join is done for it."""
        known = before.get(message.type)
        if known is not None and known.attempt == message.attempt:
            return True
        return self.attempt(now) > self.attempt(before)


@dataclass(frozen=True)
class Playbook:
    """All that a service does: handlers, refusals by command type, reactions by event type."""

    handlers: Mapping[str, Handler]
    refusals: Mapping[str, Refusal]
    reactions: Mapping[str, Reaction]
    commands: frozenset[type[Command]]

    @classmethod
    def of(cls, handlers: ModuleType, reactions: ModuleType) -> Playbook:
        handling = list(_marked(handlers, "__handles__"))
        return cls(
            handlers={kind.__name__: function for kind, function in handling},
            refusals={kind.__name__: f for kind, f in _marked(handlers, "__refuses__")},
            reactions=_by_event(_marked(reactions, "__reacts_to__")),
            commands=frozenset(kind for kind, _ in handling),
        )


def _marked(module: ModuleType, mark: str) -> Iterable[tuple[Any, Callable[..., Any]]]:
    for value in vars(module).values():
        if callable(value) and hasattr(value, mark):
            yield getattr(value, mark), value


def _by_event(rules: Iterable[tuple[Any, Callable[..., Any]]]) -> dict[str, Reaction]:
    found: dict[str, Reaction] = {}
    for alternatives, rule in rules:
        for parts in alternatives:
            reaction = Reaction(tuple(_names(part) for part in parts), rule)
            for kind in frozenset().union(*reaction.parts):
                if kind in found:
                    raise TypeError(f"two reactions to {kind}: one message, one command a service")
                found[kind] = reaction
    return found


def _names(part: Any) -> frozenset[str]:
    members: tuple[type[Body], ...] = get_args(part) or (part,)
    return frozenset(member.__name__ for member in members)
