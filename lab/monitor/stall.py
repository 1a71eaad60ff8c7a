"""Sagas of both modes that stand still for the same reason at the same time: who notices, when, and
what can be learned of them meanwhile."""

import time
from collections.abc import Callable, Mapping, Sequence

import msgspec

from lab.demo.stage import PATIENCE_SECONDS, Stage
from lab.demo.storm import calm
from lab.errors import NotReadyError
from lab.faults import rule_text
from lab.load.door import Door
from lab.load.load import Load
from lab.load.mix import mix
from lab.monitor.alarms import Alarm, Alarms, Noticed
from lab.quantiles import measured
from lab.report.monitoring import CONDUCTED, TRACKED, UNTRACKED, Answers
from lab.stack.options import TRACKER
from lab.where.inquiry import Inquiry, Services, ask_everybody, ask_who_knows, inquire
from services.kit.faults import Catalogue, Fault, Rule
from services.kit.message import Mode

RULE = Rule(Fault.DELAY, 100, "ArrangeShipment", delay_ms=11_000)
FAULT = rule_text(RULE)
NAMED = ("ArrangeShipment", "ShipmentArranged", "shipping to arrange the shipment")
PER_SECOND = 24.0
NOTICED_WITHIN_SECONDS = 20.0
ASKED_AFTER_SECONDS = 8.5  # at the latest: 10 s after its placing an order is given up by the band
SCATTERED = "choreography, asking everybody"
OF_MODE = {
    UNTRACKED: Mode.CHOREOGRAPHY,
    TRACKED: Mode.CHOREOGRAPHY,
    CONDUCTED: Mode.ORCHESTRATION,
}


class Stalled(msgspec.Struct, frozen=True):
    """`placed` are times of the monotonic clock, by mode and in the order of their placing.
    `answers` are those of the orders' timelines, `words` of who decides or tracks them."""

    placed: dict[Mode, list[float]]
    noticed: dict[str, Noticed]
    answers: dict[str, Answers]
    words: dict[str, Answers]

    def after_ms(self, variant: str) -> list[float]:
        """The first that was noticed is taken for the first that was placed, and so on."""
        pairs = zip(self.noticed[variant].at, self.placed[OF_MODE[variant]], strict=False)
        return [(at - placed) * 1000 for at, placed in pairs]


def stall(stage: Stage, orders: int, seed: int, urls: Mapping[str, str]) -> Stalled:
    """`urls` are the services' and the tracker's. Who keeps the longest deadline is waited for
    last: what it does about it ends what could be asked about, whether or not all was noticed."""
    stage.switch(Mode.ORCHESTRATION, 50)
    stage.set_faults(Catalogue(seed, (RULE,)))
    try:
        with Alarms(_alarms(stage, urls)) as alarms:
            began = time.monotonic()
            placed = _place(stage, orders, seed)
            expected = {variant: len(placed[mode]) for variant, mode in OF_MODE.items()}
            soon = {variant: expected[variant] for variant in (TRACKED, CONDUCTED)}
            alarms.wait(soon, began + ASKED_AFTER_SECONDS - time.monotonic())
            answers, words = _ask_all(urls, placed), _ask_who_knows(urls, placed)
            calm(stage)
            alarms.wait(expected, NOTICED_WITHIN_SECONDS)
            noticed = {variant: alarms.noticed(variant) for variant in expected}
    finally:
        calm(stage)
    if not stage.await_quiet(PATIENCE_SECONDS):
        raise NotReadyError("the stalled orders do not end; see `bandstand logs`")
    times = {mode: [at for at, _ in found] for mode, found in placed.items()}
    return Stalled(times, noticed, answers, words)


def _alarms(stage: Stage, urls: Mapping[str, str]) -> dict[str, Alarm]:
    """A deadline passes at one of the replicas; the tracker's all count the same."""
    passed = "bandstand_deadlines_passed_total"
    waiting = "bandstand_tracked_sagas_waiting"
    return {
        UNTRACKED: Alarm(stage.target.instances("order"), passed, Mode.CHOREOGRAPHY, "step"),
        TRACKED: Alarm((urls[TRACKER],), waiting, Mode.CHOREOGRAPHY, "event"),
        CONDUCTED: Alarm(
            stage.target.instances("orchestrator"), passed, Mode.ORCHESTRATION, "step"
        ),
    }


def _place(stage: Stage, orders: int, seed: int) -> dict[Mode, list[tuple[float, str]]]:
    """At an even pace; each order's mode is the route's choice."""
    planned = mix(orders, seed, doomed=0)
    load = Load(planned, Door(stage.stack.services["order"].url), stage.database)
    placed: dict[Mode, list[tuple[float, str]]] = {mode: [] for mode in Mode}
    began = time.monotonic()
    for number, each in enumerate(planned):
        time.sleep(max(began + number / PER_SECOND - time.monotonic(), 0))
        order = load.place(each)
        placed[Mode(order.mode)].append((time.monotonic(), order.id))
    return placed


def _ask_all(
    urls: Mapping[str, str], placed: Mapping[Mode, Sequence[tuple[float, str]]]
) -> dict[str, Answers]:
    with Services(urls) as services:
        answers = {
            variant: _ask(inquire, services, placed[mode]) for variant, mode in OF_MODE.items()
        }
        answers[SCATTERED] = _ask(ask_everybody, services, placed[Mode.CHOREOGRAPHY])
    return answers


def _ask_who_knows(
    urls: Mapping[str, str], placed: Mapping[Mode, Sequence[tuple[float, str]]]
) -> dict[str, Answers]:
    """Without a tracker nobody decides or tracks what the band does."""
    with Services(urls) as services:
        return {
            variant: _ask(ask_who_knows, services, placed[OF_MODE[variant]])
            for variant in (TRACKED, CONDUCTED)
        }


def _ask(
    question: Callable[[Services, str], Inquiry],
    services: Services,
    placed: Sequence[tuple[float, str]],
) -> Answers:
    found = [question(services, order) for _, order in placed]
    return Answers(
        asked=len(found),
        right=sum(_is_right(each.standing.waits_for) for each in found),
        places=round(sum(each.places for each in found) / len(found), 1) if found else 0.0,
        ms=measured([each.ms for each in found]),
    )


def _is_right(waits_for: Sequence[str]) -> bool:
    return len(waits_for) == 1 and waits_for[0].startswith(NAMED)
