"""Who has to listen to more when a rule needs a fact: asked of the services' own code.

Every process decides by `concerns` whether a message is noise to it. So the same question, asked
before and after a rule, says who has to begin to listen, and to what.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Protocol

import msgspec

from services.inventory.service import PLAYBOOK as INVENTORY
from services.kit.faults import Faults
from services.kit.handling import Playbook
from services.kit.message import Body, Epoch, Message, Mode, SagaId, topic_of
from services.kit.participant import Participant
from services.kit.topics import topics_of
from services.messages import EVENTS, vocabulary
from services.orchestrator.engine import Orchestrator
from services.orchestrator.order_saga import ORDER
from services.payment.service import PLAYBOOK as PAYMENT
from services.policy.point import EnforcementPoint
from services.policy.rulebook import Rules, compile_rules
from services.policy.rules import Rule, RuleSet
from services.policy.steps import CONDUCTOR
from services.shipping.service import PLAYBOOK as SHIPPING

PLAYBOOKS: Final[Mapping[str, Playbook]] = {
    "inventory": INVENTORY,
    "payment": PAYMENT,
    "shipping": SHIPPING,
}
_UNUSED: Final[Any] = None


class _Core(Protocol):
    def concerns(self, message: Message) -> bool: ...


def new_listeners(rule: Rule, mode: Mode) -> dict[str, list[str]]:
    """By service, the events that were noise to it in this mode before there was this rule."""
    before, after = _cores(mode), _cores(mode, rule)
    found = {name: _heard(after[name], mode) - _heard(before[name], mode) for name in before}
    return {name: sorted(events) for name, events in found.items() if events}


def new_topics(rule: Rule, mode: Mode) -> dict[str, list[str]]:
    """Where they are not subscribed to the topic of such an event: that would be changed code."""
    words = vocabulary()
    found = {
        name: {topic_of(words.kinds[event], mode) for event in events}
        - set(topics_of(PLAYBOOKS[name], words))
        for name, events in new_listeners(rule, mode).items()
        if name in PLAYBOOKS
    }
    return {name: sorted(topics) for name, topics in found.items() if topics}


def lines_of(rule: Rule) -> int:
    """As a person writes it: one for each field that is not left as it is."""
    return sum(getattr(rule, each.name) != each.default for each in msgspec.structs.fields(rule))


def _cores(mode: Mode, *rules: Rule) -> dict[str, _Core]:
    """Those that enforce rules for sagas of this mode."""
    point = EnforcementPoint(Rules(compile_rules(RuleSet(1, rules))), _UNUSED)
    words, faults = vocabulary(), Faults()
    if mode is Mode.ORCHESTRATION:
        sagas = {ORDER.version: ORDER}
        return {CONDUCTOR: Orchestrator(sagas, words, _UNUSED, faults, 1.0, point=point)}
    return {
        name: Participant(name, playbook, words, _UNUSED, faults, point=point)
        for name, playbook in PLAYBOOKS.items()
    }


def _heard(core: _Core, mode: Mode) -> set[str]:
    return {kind.__name__ for kind in EVENTS if core.concerns(_told(kind, mode))}


def _told(kind: type[Body], mode: Mode) -> Message:
    return Message(
        id=f"example:{kind.__name__}:1",
        type=kind.__name__,
        source=kind.channel,
        topic=topic_of(kind, mode),
        saga_id=SagaId("example"),
        time="",
        mode=mode,
        epoch=Epoch(1),
        value=b"",
    )
