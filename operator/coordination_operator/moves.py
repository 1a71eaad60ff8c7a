"""Which way leads out of a phase, and why: one function for each phase, all pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from coordination_operator.phases import ROLLOUT, Command, Phase
from coordination_operator.resources import OnTimeout
from coordination_operator.situation import DRAIN_TIMED_OUT, Situation
from coordination_operator.status import ALL, Note

PROMOTED: Final = "Promoted"


@dataclass(frozen=True)
class Move:
    """Into another phase, because of `reason`; the message has what was measured."""

    to: Phase
    reason: str
    message: str
    warning: bool = False

    @property
    def note(self) -> Note:
        return Note(self.reason, self.message, self.warning)


def move_from(s: Situation, command: Command | None) -> Move | None:
    if command is Command.ABORT:
        return Move(Phase.ROLLING_BACK, "Aborted", "by the abort annotation", warning=True)
    if s.frozen:
        return None
    if s.phase in ROLLOUT and s.wanted is s.active:
        message = f"spec.mode is {s.wanted} again"
        return Move(Phase.ROLLING_BACK, "SpecChanged", message)
    return WAYS[s.phase](s, command)


def _from_stable(s: Situation, _: Command | None) -> Move | None:
    if s.wanted is s.active:
        return None
    return Move(Phase.PREPARING, "Started", f"from {s.active} to {s.wanted}")


def _from_preparing(s: Situation, _: Command | None) -> Move | None:
    if s.orchestrator_ready and not s.cooldown_left:
        return Move(Phase.PROGRESSING, "Prepared", f"{s.target} can take new sagas")
    return None if s.cooldown_left else _late(s)


def _from_progressing(s: Situation, command: Command | None) -> Move | None:
    if command is Command.PROMOTE:
        return Move(Phase.DRAINING, PROMOTED, "by the promote annotation")
    if (failed := s.failed) is not None:
        return _failed(s, "AnalysisFailed", failed.message)
    if s.share == ALL or (s.step_passed and s.next_weight == ALL):
        return Move(Phase.DRAINING, "DrainStarted", f"{s.target} gets all new sagas")
    return _late(s)


def _from_draining(s: Situation, _: Command | None) -> Move | None:
    if (failed := s.failed) is not None:
        return _failed(s, "AnalysisFailed", failed.message)
    if s.share == ALL and s.drained(s.active):
        if not s.waits_for:
            return Move(Phase.STABLE, "Completed", f"{s.active} has drained")
        return _late(s)
    if s.drain_timed_out:
        hold = s.spec.drain.on_timeout is OnTimeout.HOLD
        to = Phase.HOLDING if hold else Phase.ROLLING_BACK
        return Move(to, DRAIN_TIMED_OUT, s.trouble or s.still_has(s.active), warning=True)
    return None


def _from_holding(s: Situation, command: Command | None) -> Move | None:
    if command is Command.PROMOTE:
        return Move(Phase.DRAINING, PROMOTED, "by the promote annotation")
    if (failed := s.failed) is not None and s.spec.rollback.automatic:
        return _failed(s, "AnalysisFailed", failed.message)
    if not (s.held_for_its_drain and s.drained(s.active)):
        return None
    said = f"{s.active} has drained after all"
    if missing := failed.message if failed else s.waits_for:
        return Move(Phase.DRAINING, "DrainedLate", f"{said}; {missing}")
    return Move(Phase.STABLE, "Completed", said)


def _from_rolling_back(s: Situation, _: Command | None) -> Move | None:
    if s.share or not (s.drained(s.target) or s.drain_timed_out):
        return None
    rollout = s.status.rollout
    given_up = s.wanted is s.active or (rollout is not None and rollout.reason == "SpecChanged")
    reason, message = (rollout.reason, rollout.message) if rollout else ("", "")
    said = f"{s.active} has all new sagas again; {reason}: {message}"
    return Move(Phase.STABLE if given_up else Phase.ROLLED_BACK, "RolledBack", said, True)


def _from_rolled_back(s: Situation, command: Command | None) -> Move | None:
    if s.wanted is s.active:
        return Move(Phase.STABLE, "Settled", f"{s.active} is asked for, and active")
    if command is Command.RESTART:
        return Move(Phase.PREPARING, "Restarted", f"from {s.active} to {s.wanted}, once more")
    return None


WAYS: Final[Mapping[Phase, Callable[[Situation, Command | None], Move | None]]] = {
    Phase.STABLE: _from_stable,
    Phase.PREPARING: _from_preparing,
    Phase.PROGRESSING: _from_progressing,
    Phase.DRAINING: _from_draining,
    Phase.HOLDING: _from_holding,
    Phase.ROLLING_BACK: _from_rolling_back,
    Phase.ROLLED_BACK: _from_rolled_back,
}


def _late(s: Situation) -> Move | None:
    return _failed(s, "ProgressDeadlineExceeded", s.held_up) if s.deadline_passed else None


def _failed(s: Situation, reason: str, message: str) -> Move:
    to = Phase.ROLLING_BACK if s.spec.rollback.automatic else Phase.HOLDING
    return Move(to, reason, message, warning=True)
