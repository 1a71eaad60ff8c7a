"""Which topics a service listens to: derived from what it handles, never written twice."""

from __future__ import annotations

from collections.abc import Iterable

from services.kit.handling import Playbook
from services.kit.message import Vocabulary, topic_of


def topics_of(
    playbook: Playbook, vocabulary: Vocabulary, observed: Iterable[str] = ()
) -> list[str]:
    heard = {*playbook.handlers, *playbook.reactions, *observed}
    return sorted({topic_of(vocabulary.kinds[kind]) for kind in heard})
