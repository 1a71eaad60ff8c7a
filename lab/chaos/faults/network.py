"""The broker is there and silent: for one participant, or for all until an outbox is full."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import msgspec

from lab.chaos.faults.backstage import Backstage
from lab.chaos.faults.relay import Relay
from lab.chaos.faults.seen import Seen, Strike
from lab.chaos.watch import until
from lab.errors import MissingError
from lab.load.mix import mix
from lab.stack.ports import LOOPBACK
from services.kit.message import Mode

UNREACHABLE_SECONDS = 30.0
OUTBOX_LIMIT = 100
FULL_WITHIN_SECONDS = 20.0
STAYS_FULL_SECONDS = 3.0
KNOCK_SECONDS = 0.25
TURNED_AWAY = 503


@contextmanager
def broker_unreachable(backstage: Backstage, _mode: Mode) -> Iterator[Strike]:
    """A payment service that talks to the broker through a relay; it says itself that it is
    cut off."""
    detour = backstage.stage.stack.kafka.detour
    if detour is None:
        raise MissingError("to cut a service off, the stack needs a broker of its own, from Maven")
    way = f"{LOOPBACK}:{detour.entrance}"
    with (
        Relay(detour.entrance, detour.exit) as relay,
        backstage.replaced("payment", kafka=way) as payment,
    ):

        def strike() -> Seen:
            began = time.monotonic()
            with relay.silent():
                noticed = until(payment.misses_broker, UNREACHABLE_SECONDS)
                time.sleep(max(0.0, UNREACHABLE_SECONDS - (time.monotonic() - began)))
            return Seen(int(noticed))

        yield strike


@contextmanager
def outbox_full(backstage: Backstage, _mode: Mode) -> Iterator[Strike]:
    """An order service with a small outbox, while the broker is silent. Every order that is
    turned away is one hit; the load's customers come again until they are let in."""
    with backstage.replaced("order", outbox_limit=OUTBOX_LIMIT) as desk:

        def strike() -> Seen:
            pid = backstage.watch.running("kafka").pid
            with backstage.paused(pid), httpx.Client(base_url=desk.instance.url) as customer:
                full = until(lambda: _is_turned_away(customer), FULL_WITHIN_SECONDS, KNOCK_SECONDS)
                return Seen(full + _turned_away(customer, STAYS_FULL_SECONDS) if full else 0)

        yield strike


def _turned_away(customer: httpx.Client, seconds: float) -> int:
    ends = time.monotonic() + seconds
    times = 0
    while time.monotonic() < ends:
        times += _is_turned_away(customer)
        time.sleep(KNOCK_SECONDS)
    return times


def _is_turned_away(customer: httpx.Client) -> bool:
    """With the reason, and when to come again."""
    (planned,) = mix(1, seed=0)
    answer = customer.post("/orders", json=msgspec.to_builtins(planned.draft))
    says = answer.headers.get("retry-after", "")
    return answer.status_code == TURNED_AWAY and says.isdecimal() and "outbox-full" in answer.text
