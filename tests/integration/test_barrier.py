"""The route is switched under admissions, at two replicas of the order service."""

import random
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from lab.database import Database
from lab.database import query as text_of
from lab.verify import invariants
from services.kit.message import Mode
from services.kit.topics import topics_in
from services.messages import OrderPlaced
from services.order.model import Route
from tests.integration.broker import a_tape
from tests.integration.crowd import at_once, meanwhile
from tests.integration.databases import held, rows, value, waiting
from tests.integration.front_door import coordination, placed, problem, switch, switched
from tests.integration.waiting import eventually

MODES = list(Mode)
CROWD = 16
SWITCHES = 24
CUSTOMERS = 6
WEIGHTS = (100, 0, 50, 7)
OLDER = "SELECT count(*) FROM orders.orders WHERE epoch < %s"
PLACED = "SELECT id::text, mode, epoch FROM orders.orders"
HISTORY = "SELECT epoch, mode, weight FROM orders.route_history"
UNSENT = "SELECT count(*) FROM orders.outbox"


def test_of_many_switches_from_one_epoch_one_succeeds(desks):
    seen = coordination(desks[0])["epoch"]
    wishes = [(desks[n % 2], MODES[n // 2 % 2], seen, n) for n in range(CROWD)]
    answers = at_once([lambda wish=wish: switch(*wish) for wish in wishes])
    assert Counter(answer.status_code for answer in answers) == {200: 1, 409: CROWD - 1}
    stale = [answer for answer in answers if answer.status_code == 409]
    assert {(problem(each), each.json()["epoch"]) for each in stale} == {("stale-epoch", seen + 1)}
    ((_, mode, _, weight),) = [
        wish for wish, answer in zip(wishes, answers, strict=True) if answer.is_success
    ]
    after = coordination(desks[1])
    assert (after["epoch"], after["mode"], after["weight"]) == (seen + 1, mode, weight)


def test_what_is_shown_of_the_route_is_of_one_moment(desks, module_database_url):
    """Also to who has switched, if somebody else switches at once."""
    seen = coordination(desks[0])["epoch"]

    def asking(number):
        eventually(lambda: waiting(module_database_url, "api") == number, f"{number} wait")

    with ThreadPoolExecutor(3) as pool:
        with held(module_database_url, "LOCK TABLE orders.orders"):
            answers = [pool.submit(desks[0].http.get, "/coordination")]
            asking(1)
            answers.append(pool.submit(switch, desks[0], Mode.CHOREOGRAPHY, seen))
            asking(2)
            answers.append(pool.submit(switch, desks[1], Mode.ORCHESTRATION, seen + 1))
            asking(3)
        shown = [answer.result().json() for answer in answers]
    assert [each["epoch"] for each in shown] == [seen, seen + 1, seen + 2]
    assert [each["history"][0]["epoch"] for each in shown] == [seen, seen + 1, seen + 2]
    for each in shown:
        assert each["history"][0].items() <= each.items()


def test_a_switch_needs_the_token_and_changes_nothing_without_it(desks):
    before = coordination(desks[0])
    refusals = {}
    for name, headers in {
        "none": {},
        "wrong": {"Authorization": "Bearer something-else"},
        "basic": {"Authorization": "Basic YTpi"},
    }.items():
        answer = switch(desks[0], Mode.CHOREOGRAPHY, before["epoch"], headers=headers)
        refusals[name] = (answer.status_code, problem(answer))
    assert refusals == {
        "none": (401, "token-missing"),
        "wrong": (403, "token-wrong"),
        "basic": (401, "token-missing"),
    }
    assert coordination(desks[1])["history"] == before["history"]


class Season:
    """Customers place orders all the time, at either replica; the route is switched again and
    again. Times are the client's."""

    def __init__(self, desks, database_url):
        self._desks, self._url = desks, database_url
        self.orders = []
        self.switches = []

    def play(self):
        with meanwhile(self._place, CUSTOMERS):
            for number in range(SWITCHES):
                enough = len(self.orders) + CUSTOMERS
                eventually(lambda enough=enough: len(self.orders) >= enough, "orders come in")
                self._switch(number)

    def _place(self):
        began = time.monotonic()
        order = placed(random.choice(self._desks))
        self.orders.append((began, time.monotonic(), order))

    def _switch(self, number):
        desk, weight = self._desks[number % 2], WEIGHTS[number % len(WEIGHTS)]
        began = time.monotonic()
        epoch = switched(desk, MODES[number // 2 % 2], weight)
        self.switches.append((began, time.monotonic(), epoch, value(self._url, OLDER, epoch)))


def test_an_epoch_is_complete_when_the_next_one_has_begun(desks, module_database_url, empty_broker):
    season = Season(desks, module_database_url)
    season.play()
    for began, ended, epoch, older in season.switches:
        assert value(module_database_url, OLDER, epoch) == older
        for order_began, order_ended, order in season.orders:
            assert order_began < ended or order["epoch"] >= epoch
            assert order_ended > began or order["epoch"] < epoch
    expect_each_order_as_routed(module_database_url, season.orders)
    expect_told_as_admitted(module_database_url, empty_broker)


def expect_each_order_as_routed(url, orders):
    """In the mode that its epoch's route chooses for it, which is what the customer was told."""
    routes = {epoch: Route(Mode(mode), weight, epoch) for epoch, mode, weight in rows(url, HISTORY)}
    known = {order_id: (mode, epoch) for order_id, mode, epoch in rows(url, PLACED)}
    assert all(routes[epoch].choose(order) == mode for order, (mode, epoch) in known.items())
    assert all(known[order["id"]] == (order["mode"], order["epoch"]) for _, _, order in orders)
    by_weight = {(routes[epoch].weight, mode) for mode, epoch in known.values()}
    assert {(50, mode) for mode in MODES} <= by_weight
    found = Database(url).row(
        text_of(invariants.__file__, "every_mode_was_routed"), invariants.Found
    )
    assert (found.checked, found.violations) == (len(known), 0)


def expect_told_as_admitted(url, bootstrap):
    """On the topic of its mode, each the same however often: where a replica is slow to note that
    its row was taken, the other one's sweep sends that again, and inboxes drop it."""
    eventually(lambda: value(url, UNSENT) == 0, "all is published")
    told = set()
    for mode in Mode:
        (topic,) = topics_in([mode], [OrderPlaced])
        with a_tape(bootstrap, topic) as tape:
            for record in tape.records():
                headers = dict(record.headers)
                if headers["ce_type"] == b"OrderPlaced":
                    assert headers["ce_mode"].decode() == mode
                    told.add((record.key.decode(), mode.value, int(headers["ce_epoch"])))
    assert sorted(told) == sorted(rows(url, PLACED))
