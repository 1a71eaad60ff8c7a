"""The conductor's mind: what was heard and where the saga stands decide what is sent next.

Pure: the same inputs give the same decision, and nothing is read or written. Any event may come
at any time, again, or not at all. What must stay true: a saga ends confirmed or rejected; after
the pivot it goes only forward; whatever was asked for is undone before it is rejected; no step is
begun that the gate, the one place where policies are enforced, has not let through.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from services.kit.message import Command, Event
from services.orchestrator.saga import Saga, Stage, Step
from services.orchestrator.state import Entry, Path, SagaState, StepState, StepStatus
from services.policy.ruling import Gate, Holds, Ruling, Verdict, answered, silenced

LONGEST_TIMEOUT_SECONDS = 60.0
TIMED_OUT = "timed out"
WAITING = (StepStatus.SENT, StepStatus.UNDOING)


@dataclass(frozen=True)
class Started:
    """The saga's first event, which carries the order."""


@dataclass(frozen=True)
class Heard:
    """An event by its type; `reason` if it tells a failure, `rules` if it answers their holds."""

    kind: str
    reason: str | None = None
    rules: tuple[str, ...] = ()

    @classmethod
    def of(cls, kind: str, event: Event) -> Heard:
        return cls(kind, getattr(event, "reason", None), getattr(event, "rules", ()))


@dataclass(frozen=True)
class TimePassed:
    """Somebody looked at the clock: `now` may be past a deadline."""


Input = Started | Heard | TimePassed


@dataclass(frozen=True)
class Send:
    command: Command
    attempt: int


@dataclass(frozen=True)
class NewHold:
    """A step that waits for an answer to this rule from now on."""

    step: str
    rule: str
    until: float
    ordinal: int


@dataclass(frozen=True)
class Decision:
    state: SagaState
    sends: tuple[Send, ...]
    log: tuple[Entry, ...]
    held: tuple[NewHold, ...] = ()


def decide(
    saga: Saga,
    order: Any,
    state: SagaState,
    heard: Input,
    now: float,
    timeout: float,
    gate: Gate | None = None,
) -> Decision:
    """`now` and `timeout` are in seconds; `order` is the event that started the saga. Without a
    gate every step may begin."""
    turn = _Turn(saga, order, state, now, timeout, gate)
    if isinstance(heard, Heard):
        turn.hear(heard)
    elif isinstance(heard, TimePassed):
        turn.check_deadlines()
    turn.take_silence()
    if turn.path is not Path.ENDED:
        turn.advance()
    return turn.decision()


@dataclass
class _Turn:
    """One decision in the making."""

    saga: Saga
    order: Any
    before: SagaState
    now: float
    timeout: float
    gate: Gate | None
    sends: list[Send] = field(default_factory=list)
    log: list[Entry] = field(default_factory=list)
    held: list[NewHold] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.path = self.before.path
        self.stage = self.before.stage
        self.reason = self.before.reason
        self.steps = dict(self.before.steps)
        self.holds = self.before.holds

    def decision(self) -> Decision:
        turn = self.before.turn + 1
        changed = SagaState(self.path, self.stage, self.steps, self.reason, turn, self.holds)
        return Decision(changed, tuple(self.sends), tuple(self.log), tuple(self.held))

    def hear(self, heard: Heard) -> None:
        if heard.kind == self.saga.cancelled_by.__name__:
            self._cancel()
            return
        if heard.rules:
            self._answer(heard)
            return
        for step in self.saga.steps:
            state = self.steps.get(step.name)
            if state is None or state.status not in WAITING:
                continue
            if heard.kind == step.done.__name__:
                self._done(step, state)
            elif step.refused is not None and heard.kind == step.refused.__name__:
                self._refused(step, state, heard.reason or "refused")
            elif step.undo is not None and heard.kind == step.undo.undone.__name__:
                self._undone(step, state, heard.reason or "undone")

    def check_deadlines(self) -> None:
        for step in self.saga.steps:
            state = self.steps.get(step.name)
            if state is None or state.deadline is None or state.deadline > self.now:
                continue
            self._note(TIMED_OUT, step.name, state)
            undoing = state.status is StepStatus.UNDOING
            if undoing or step.retry is None or state.attempt < step.retry:
                self._send(step, state.attempt + 1, undoing)
            elif self.path is Path.FORWARD:
                self._turn_back("timed_out")

    def advance(self) -> None:
        """Go on until something must be waited for."""
        while self.path is not Path.ENDED and self._stage_is_over():
            self._next_stage()

    def _stage_is_over(self) -> bool:
        stage = self._stages()[self.stage]
        if self.path is Path.UNDO:
            return self._undo(stage)
        for step in stage.steps:
            if step.name not in self.steps and not self._begin(step):
                return self._undo(stage)
        return all(self._is_done(step) for step in stage.steps)

    def _begin(self, step: Step) -> bool:
        """The one place where a rule can stop a step: before its command is sent. False: it was
        denied, and there is only the way back."""
        if self.gate is None or self.path is not Path.FORWARD:
            self.holds = {}
            self._send(step, 1, undoing=False)
            return True
        ruling = self.gate(step.name, self._facts(), self.holds)
        self._take_over(ruling.holds)
        if ruling.verdict is Verdict.ALLOWED:
            self._send(step, 1, undoing=False)
        elif ruling.verdict is Verdict.DENIED:
            self.log.append(Entry("denied", step.name, self._direction, 1))
            self._turn_back(ruling.reason)
            return False
        elif ruling.fresh:
            self._hold(step, ruling)
        return True

    def take_silence(self) -> None:
        """What nobody has answered in time is over, too, and no deadline any more."""
        if self.holds and self.path is Path.FORWARD:
            self._take_over(silenced(self.holds, self.now))

    def _take_over(self, holds: Holds) -> None:
        for rule, held in self.holds.items():
            if held.answer != holds[rule].answer:
                self.log.append(Entry("unanswered", held.step or rule, self._direction, 1))
        self.holds = dict(holds)

    def _hold(self, step: Step, ruling: Ruling) -> None:
        for ordinal, rule in ruling.begun():
            self.held.append(NewHold(step.name, rule, ruling.holds[rule].until, ordinal))
        self.log.append(Entry("held", step.name, self._direction, 1))

    def _answer(self, heard: Heard) -> None:
        approved = heard.kind == self.saga.approved_by.__name__
        answer = "approved" if approved else "declined"
        self.holds = dict(answered(self.holds, heard.rules, answer))
        self.log.append(Entry(answer, ", ".join(heard.rules), self._direction, 1))

    def _facts(self) -> frozenset[str]:
        done = (step.done.__name__ for step in self.saga.steps if self._is_done(step))
        return frozenset((self.saga.started_by.__name__, *done))

    def _is_done(self, step: Step) -> bool:
        state = self.steps.get(step.name)
        return state is not None and state.status is StepStatus.DONE

    def _undo(self, stage: Stage) -> bool:
        for step in stage.steps:
            state = self.steps.get(step.name)
            to_undo = state is not None and state.status in (StepStatus.SENT, StepStatus.DONE)
            if to_undo and step.undo is not None:
                self._send(step, 1, undoing=True)
        states = [self.steps.get(step.name) for step in stage.steps]
        return not any(state and state.status is StepStatus.UNDOING for state in states)

    def _next_stage(self) -> None:
        if self.path is Path.UNDO:
            if self.stage == 0:
                self.path = Path.REJECTION
            else:
                self.stage -= 1
            return
        self.stage += 1
        if self.stage == len(self._stages()):
            self.path = Path.ENDED
            outcome = "rejected" if self.reason else "confirmed"
            self.log.append(Entry("ended", outcome, self._direction, 1))

    def _stages(self) -> tuple[Stage, ...]:
        return self.saga.rejecting if self.path is Path.REJECTION else self.saga.forward

    def _done(self, step: Step, state: StepState) -> None:
        """Done is done; but what is being undone stays so, unless it turns out to be the pivot."""
        if state.status is StepStatus.SENT:
            self._settle(step, state, StepStatus.DONE)
        elif step in self.saga.stages[self.saga.pivot].steps:
            self._settle(step, state, StepStatus.DONE)
            self.log.append(Entry("too late to go back", step.name, "forward", state.attempt))
            self.path, self.stage, self.reason = Path.FORWARD, self.saga.pivot, None

    def _refused(self, step: Step, state: StepState, reason: str) -> None:
        """A refusal while undoing is an answer to the first request, not to the second.

        Only the pivot's owner settles both with one answer.
        """
        if state.status is StepStatus.SENT:
            self._settle(step, state, StepStatus.REFUSED)
            if self.path is Path.FORWARD:
                self._turn_back(reason)
        elif step in self.saga.stages[self.saga.pivot].steps:
            self._settle(step, state, StepStatus.UNDONE)

    def _undone(self, step: Step, state: StepState, reason: str) -> None:
        if state.status is StepStatus.UNDOING:
            self._settle(step, state, StepStatus.UNDONE)
        else:
            self._refused(step, state, reason)

    def _cancel(self) -> None:
        pivot = self.saga.stages[self.saga.pivot].steps[0]
        state = self.steps.get(pivot.name)
        decided = state is not None and state.status is StepStatus.DONE
        if self.path is Path.FORWARD and self.stage <= self.saga.pivot and not decided:
            self._turn_back("cancelled")
        else:
            self.log.append(Entry("too late to cancel", pivot.name, self._direction, 1))

    def _turn_back(self, reason: str) -> None:
        self.path, self.reason = Path.UNDO, reason

    def _send(self, step: Step, attempt: int, undoing: bool) -> None:
        kind = step.undo.command if undoing and step.undo else step.command
        status = StepStatus.UNDOING if undoing else StepStatus.SENT
        patience = min(self.timeout * 2 ** min(attempt - 1, 16), LONGEST_TIMEOUT_SECONDS)
        state = StepState(status, attempt, self.now + patience)
        self.steps[step.name] = state
        self.sends.append(Send(self.saga.compose(kind, self.order, self.reason), attempt))
        self._note("sent", kind.__name__, state)

    def _settle(self, step: Step, state: StepState, status: StepStatus) -> None:
        settled = StepState(status, state.attempt)
        self.steps[step.name] = settled
        self._note(status.value, step.name, settled)

    def _note(self, entry: str, step: str, state: StepState) -> None:
        self.log.append(Entry(entry, step, self._direction, state.attempt))

    @property
    def _direction(self) -> str:
        return "forward" if self.path is Path.FORWARD else "backward"
