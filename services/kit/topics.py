"""Which topics there are, and which of them a service listens to: derived, never written twice."""

from __future__ import annotations

from collections.abc import Iterable

from services.kit.handling import Playbook
from services.kit.message import Body, Mode, Vocabulary, topic_of


def topics_of(playbook: Playbook, vocabulary: Vocabulary) -> list[str]:
    """Commands to this participant, and what its reactions listen to: the band's events."""
    told = {topic_of(vocabulary.kinds[kind], Mode.ORCHESTRATION) for kind in playbook.handlers}
    heard = {topic_of(vocabulary.kinds[kind], Mode.CHOREOGRAPHY) for kind in playbook.reactions}
    return sorted(told | heard)


def topics_in(modes: Iterable[Mode], kinds: Iterable[type[Body]]) -> list[str]:
    """Where messages of these kinds are, for sagas of these modes."""
    listed = list(kinds)
    return sorted({topic_of(kind, mode) for mode in modes for kind in listed})
