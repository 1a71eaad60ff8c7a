"""When a Coordination is looked at: at once after an edit, and again after a while."""

import asyncio
import threading
from datetime import timedelta

import pytest

from coordination_operator.cluster import asked
from coordination_operator.handlers import Rounds, Watch, make_registry
from coordination_operator.phases import Command
from coordination_operator.settings import PREFIX, SettingsError, load_settings

LONG = timedelta(hours=1)
NEEDED = {
    f"{PREFIX}{name}": value
    for name, value in {
        "NAMESPACE": "shop",
        "IDENTITY": "operator-0",
        "LEASE": "operator",
        "SERVICES": "order=http://order:8080/, payment=http://payment:8080",
        "TOKEN": "secret",
    }.items()
}


def an_event(kind="MODIFIED", generation=1, name="orders", **annotations):
    meta = {"name": name, "uid": "1", "generation": generation, "annotations": annotations}
    return {"type": kind, "object": {"metadata": meta, "spec": {}}}


class Watched:
    """A watch, and how often it has reconciled."""

    def __init__(self, patience=LONG, error=None):
        self.rounds, self.broken = 0, False
        self._patience, self._error = patience, error
        self.beats = 0
        self.watch = Watch(self.reconcile, self.give_up, self.beat)

    def reconcile(self):
        self.rounds += 1
        if self._error is not None:
            raise self._error
        return self._patience

    def beat(self):
        self.beats += 1

    def give_up(self):
        self.broken = True

    async def has_reconciled(self, times):
        async with asyncio.timeout(60):
            while self.rounds < times:
                await asyncio.sleep(0.001)


def test_an_edit_wakes_and_a_report_does_not():
    async def course():
        watched = Watched()
        await watched.watch.heard(an_event("ADDED"))
        await watched.has_reconciled(1)
        await watched.watch.heard(an_event(generation=2))
        await watched.has_reconciled(2)
        await watched.watch.heard(an_event(generation=2))
        await watched.watch.heard(an_event(generation=2, **{"bandstand.dev/abort": "now"}))
        await watched.has_reconciled(3)
        await watched.watch.heard(an_event("DELETED", generation=2))
        await watched.has_reconciled(4)
        await watched.watch.end()
        return watched

    assert asyncio.run(course()).rounds == 4


def test_without_any_event_it_is_looked_at_again():
    async def course():
        watched = Watched(patience=timedelta(milliseconds=1))
        await watched.watch.heard(an_event("ADDED"))
        await watched.has_reconciled(5)
        await watched.watch.end()

    asyncio.run(course())


def test_an_operator_that_begins_looks_once_though_nothing_happens():
    async def course():
        watched = Watched(patience=None)
        watched.watch.begin()
        await watched.has_reconciled(1)
        await watched.watch.end()

    asyncio.run(course())


def test_what_was_not_foreseen_ends_the_process():
    async def course():
        watched = Watched(error=ZeroDivisionError())
        await watched.watch.heard(an_event("ADDED"))
        async with asyncio.timeout(60):
            while not watched.broken:
                await asyncio.sleep(0.001)

    asyncio.run(course())


@pytest.mark.parametrize("patience", [LONG, None])
def test_it_beats_while_it_waits_however_long_that_is(patience, monkeypatch):
    monkeypatch.setattr(Rounds, "PULSE_SECONDS", 0.001)

    async def course():
        watched = Watched(patience)
        watched.watch.begin()
        async with asyncio.timeout(60):
            while watched.beats < 5:
                await asyncio.sleep(0.001)
        await watched.watch.end()
        return watched.rounds

    assert asyncio.run(course()) == 1


def test_it_beats_no_more_while_it_hangs(monkeypatch):
    monkeypatch.setattr(Rounds, "PULSE_SECONDS", 0.001)
    monkeypatch.setattr(Rounds, "LONGEST_ROUND_SECONDS", 0.5)
    goes_on = threading.Event()

    async def course():
        watched = Watched()
        watched.watch = Watch(lambda: goes_on.wait(60) and LONG, watched.give_up, watched.beat)
        watched.watch.begin()
        await asyncio.sleep(0.6)
        beats = watched.beats
        await asyncio.sleep(0.05)
        hung = watched.beats
        goes_on.set()
        async with asyncio.timeout(60):
            while watched.beats == hung:
                await asyncio.sleep(0.001)
        await watched.watch.end()
        return beats, hung

    beats, hung = asyncio.run(course())
    assert 0 < beats == hung


def test_all_objects_of_a_kind_are_looked_at_together_and_a_deletion_wakes_too():
    async def course():
        watched = Watched(patience=None)
        watch = watched.watch
        for rounds, event in enumerate(
            (
                an_event("ADDED", name="a"),
                an_event("ADDED", name="b"),
                an_event(name="b", generation=2),
                an_event("DELETED", name="a"),
            ),
            start=1,
        ):
            await watch.heard(event)
            await watched.has_reconciled(rounds)
        await watch.heard(an_event(name="b", generation=2))
        await watch.heard(an_event("DELETED", name="a"))
        await asyncio.sleep(0.01)
        await watch.end()
        return watched

    watched = asyncio.run(course())
    assert watched.rounds == 4
    assert not watched.broken


def test_an_annotation_asks_by_being_there():
    assert asked({"bandstand.dev/abort": "", "bandstand.dev/promote": "false"}) == {Command.ABORT}
    assert asked({"example.com/abort": "true"}) == frozenset()


def test_settings_come_from_the_environment():
    settings = load_settings(NEEDED)
    assert settings.urls == {"order": "http://order:8080", "payment": "http://payment:8080"}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"NAMESPACE": ""}, "namespace"),
        ({"SERVICES": "payment=http://payment"}, "order=url"),
        ({"PORT": "many"}, "port"),
        ({"PROMETEUS": "http://typo"}, "PROMETEUS"),
    ],
)
def test_a_bad_setting_is_refused_by_name(change, named):
    given = {**NEEDED, **{f"{PREFIX}{name}": value for name, value in change.items()}}
    with pytest.raises(SettingsError, match=named):
        load_settings(given)


def test_both_kinds_are_looked_at_from_the_beginning_and_the_end_is_told():
    looked, ended = [], []
    registry = make_registry(
        lambda: looked.append("coordination"),
        lambda: looked.append("policies"),
        pytest.fail,
        lambda: ended.append("over"),
        lambda _: None,
    )
    by_name = {each.fn.__name__: each.fn for each in registry._activities.get_all_handlers()}

    async def course():
        await by_name["begin"]()
        async with asyncio.timeout(60):
            while len(looked) < 2:
                await asyncio.sleep(0.001)
        await by_name["end"]()

    asyncio.run(course())
    assert sorted(looked) == ["coordination", "policies"]
    assert ended == ["over"]
