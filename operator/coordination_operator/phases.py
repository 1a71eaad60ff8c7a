"""The states of a switch, and every way from one to another: the picture in the docs is this table.

`decide` can take no other way (its tests say so). Each phase says what the route has to be like
while it lasts, so that a restart anywhere has nothing to remember but the phase.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Phase(StrEnum):
    STABLE = "Stable"
    PREPARING = "Preparing"
    PROGRESSING = "Progressing"
    DRAINING = "Draining"
    HOLDING = "Holding"
    ROLLING_BACK = "RollingBack"
    ROLLED_BACK = "RolledBack"


class Command(StrEnum):
    """What an annotation can ask for."""

    PROMOTE = "promote"
    ABORT = "abort"
    RESTART = "restart"


MEANING: Final[Mapping[Phase, str]] = {
    Phase.STABLE: "the active mode has all new sagas, and it is the one that is asked for",
    Phase.PREPARING: "the target mode has none yet: a cooldown or the orchestrator is waited for",
    Phase.PROGRESSING: "the target mode has the share of a step, and is judged",
    Phase.DRAINING: "the target mode has all new sagas; the old mode's open ones play to their end",
    Phase.HOLDING: "something failed or took too long; the share stays as it is, and is judged",
    Phase.ROLLING_BACK: "the active mode has all new sagas again; the target's play to their end",
    Phase.ROLLED_BACK: "the active mode has all new sagas, though the other is still asked for",
}

TRANSITIONS: Final[Mapping[Phase, Mapping[Phase, str]]] = {
    Phase.STABLE: {Phase.PREPARING: "another mode is asked for"},
    Phase.PREPARING: {
        Phase.PROGRESSING: "cooled down, orchestrator ready",
        Phase.ROLLING_BACK: "abort, or asked for no more, or deadline",
        Phase.HOLDING: "deadline, not automatic",
    },
    Phase.PROGRESSING: {
        Phase.DRAINING: "last step passed, or promote",
        Phase.ROLLING_BACK: "analysis failed, deadline, abort, or asked for no more",
        Phase.HOLDING: "analysis failed or deadline, not automatic",
    },
    Phase.DRAINING: {
        Phase.STABLE: "drained",
        Phase.ROLLING_BACK: "analysis failed, drain timed out, deadline, abort, "
        "or asked for no more",
        Phase.HOLDING: "drain timed out, analysis failed or deadline, not automatic",
    },
    Phase.HOLDING: {
        Phase.DRAINING: "promote; drained after all, but not proven yet",
        Phase.STABLE: "drained after all",
        Phase.ROLLING_BACK: "analysis failed, abort, or asked for no more",
    },
    Phase.ROLLING_BACK: {
        Phase.ROLLED_BACK: "drained, or waited for long enough",
        Phase.STABLE: "the same, and asked for no more",
    },
    Phase.ROLLED_BACK: {
        Phase.STABLE: "asked for no more",
        Phase.PREPARING: "restart",
    },
}

VALID: Final[Mapping[Phase, tuple[Command, ...]]] = {
    Phase.STABLE: (),
    Phase.PREPARING: (Command.ABORT,),
    Phase.PROGRESSING: (Command.PROMOTE, Command.ABORT),
    Phase.DRAINING: (Command.ABORT,),
    Phase.HOLDING: (Command.PROMOTE, Command.ABORT),
    Phase.ROLLING_BACK: (),
    Phase.ROLLED_BACK: (Command.RESTART,),
}

ROLLOUT: Final = frozenset({Phase.PREPARING, Phase.PROGRESSING, Phase.DRAINING, Phase.HOLDING})
JUDGED: Final = frozenset({Phase.PROGRESSING, Phase.DRAINING, Phase.HOLDING})
AT_REST: Final = frozenset({Phase.STABLE, Phase.ROLLED_BACK})
