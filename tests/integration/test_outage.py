"""The broker is away: orders are accepted up to a bound, and what was accepted is told."""

from collections import Counter

import pytest

from services.kit.message import Mode
from services.kit.topics import topics_in
from services.messages import OrderPlaced
from tests.integration.broker import a_tape, forget_everything
from tests.integration.databases import value
from tests.integration.front_door import place, problem
from tests.integration.service_process import paused
from tests.integration.waiting import eventually

LIMIT = 40
UNSENT = "SELECT count(*) FROM orders.outbox"
ACCEPTED = "SELECT count(*) FROM orders.orders"


@pytest.fixture
def desk(bootstrap, make_service):
    forget_everything(bootstrap)
    return make_service("order", outbox_limit=str(LIMIT)).start()


def placed_until_full(desk):
    """The orders that were accepted, and the answer to the one that was not."""
    accepted = []
    while (answer := place(desk)).status_code == 202:
        accepted.append(answer.json()["id"])
    return accepted, answer


def told(bootstrap):
    found = Counter()
    for topic in topics_in(Mode, [OrderPlaced]):
        with a_tape(bootstrap, topic) as tape:
            found.update(tape.ids())
    return found


def test_orders_are_accepted_up_to_the_bound_and_all_of_them_are_told(
    desk, infra, bootstrap, database_url
):
    with paused(infra.pid("kafka")):
        accepted, refusal = placed_until_full(desk)
        assert LIMIT - 1 <= len(accepted) <= LIMIT + 2
        assert (refusal.status_code, problem(refusal)) == (503, "outbox-full")
        assert int(refusal.headers["retry-after"]) > 0
        assert value(database_url, ACCEPTED) == len(accepted)
        assert desk.http.get("/orders").is_success
        eventually(lambda: desk.metric("bandstand_outbox_pending") >= LIMIT, "it was counted")
        assert place(desk).status_code == 503
    later = eventually(lambda: _accepted(place(desk)), "it accepts orders again")
    eventually(lambda: value(database_url, UNSENT) == 0, "all is published")
    assert set(told(bootstrap)) == {f"{order}:OrderPlaced:1" for order in [*accepted, later]}


def test_an_order_that_was_placed_right_after_a_start_does_not_wait(desk, database_url):
    """The relay begins in the slow lane, and leaves it with its first sweep."""
    for _ in range(2):
        desk.stop()
        desk.start()
        place(desk)
        eventually(lambda: value(database_url, UNSENT) == 0, "it is published")
        assert desk.metric("bandstand_outbox_resent_total") == 0


def _accepted(answer):
    return answer.json()["id"] if answer.status_code == 202 else None
