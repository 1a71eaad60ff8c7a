"""Replicas come and go, or freeze in the middle of a transaction and come back from the dead."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from lab.chaos.faults.backstage import Backstage, Understudy
from lab.chaos.faults.counting import DUPLICATES, counted
from lab.chaos.faults.kinds import MODES, ON_WHOM, ServerFault
from lab.chaos.faults.seen import Seen, Strike
from lab.chaos.watch import until
from lab.database import query
from lab.errors import BandstandError
from services.kit.message import Mode

IN_TRANSACTION = query(__file__, "in_transaction")
SECOND = 9
ROUNDS = 3
STAYS_SECONDS = 2.0
MOVES_WITHIN_SECONDS = 20.0
SESSION_SECONDS = 6
# From the moment at which its partitions have gone: longer than the server leaves a transaction
# open whose owner is silent.
STALLED_SECONDS = 8.0
TRIES = 200
GLANCE_SECONDS = 0.013


class _Count(msgspec.Struct):
    connections: int


@contextmanager
def rebalances(backstage: Backstage, mode: Mode) -> Iterator[Strike]:
    """A second replica joins and leaves again and again; each of both is a hit."""
    service = _whose(ServerFault.REBALANCES, mode)

    def strike() -> Seen:
        hits = 0
        for _ in range(ROUNDS):
            with backstage.joined_by(service, SECOND):
                hits += _until_members(backstage, service, 2)
                time.sleep(STAYS_SECONDS)
            hits += _until_members(backstage, service, 1)
        return Seen(hits)

    yield strike


@contextmanager
def stalled_replica(backstage: Backstage, mode: Mode) -> Iterator[Strike]:
    """The first of two replicas freezes in the middle of a transaction, for longer than its
    session: its partitions go to the second one, which does what it was about to do. Then it goes
    on where it was, and must find that it may not. A hit is that its partitions had gone."""
    service = _whose(ServerFault.STALLED_REPLICA, mode)
    sessions = {"session_timeout_seconds": SESSION_SECONDS}
    with (
        backstage.replaced(service, **sessions) as first,
        backstage.joined_by(service, SECOND, **sessions),
    ):
        if not _until_members(backstage, service, 2):
            raise BandstandError(f"two replicas of {service} do not make a group")

        def strike() -> Seen:
            before = counted(first.instance.url, DUPLICATES)
            with _frozen_at_work(backstage, first) as working:
                hits = _until_members(backstage, service, 1)
                time.sleep(STALLED_SECONDS)
            first.await_ready()
            _until_members(backstage, service, 2)
            stale = counted(first.instance.url, DUPLICATES) - before
            return Seen(int(hits), {"in_transaction": int(working), "stale_dropped": stale})

        yield strike


def _whose(fault: ServerFault, mode: Mode) -> str:
    return ON_WHOM[fault][MODES.index(mode)]


def _until_members(backstage: Backstage, group: str, number: int) -> bool:
    broker = backstage.stage.broker
    return until(lambda: len(broker.members(group)) == number, MOVES_WITHIN_SECONDS)


@contextmanager
def _frozen_at_work(backstage: Backstage, replica: Understudy) -> Iterator[bool]:
    """Stopped again and again for a moment, until that is one in a transaction; False if none
    was found."""
    for last in range(TRIES, 0, -1):
        with backstage.paused(replica.pid):
            working = _is_in_transaction(backstage, replica.instance.name)
            if working or last == 1:
                yield working
                return
        time.sleep(GLANCE_SECONDS)


def _is_in_transaction(backstage: Backstage, instance: str) -> bool:
    found = backstage.stage.database.row(IN_TRANSACTION, _Count, worker=f"{instance} worker")
    return found.connections > 0
