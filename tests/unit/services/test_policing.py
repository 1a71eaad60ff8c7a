"""The order service's own auditor: it goes on behind a full page, and tells each finding once."""

from datetime import datetime
from types import SimpleNamespace

import msgspec
import pytest

from services.kit.metrics import Metrics
from services.order import policing
from services.order.policing import AT_ONCE, AUDIT_EVERY_SECONDS, SKEW_EVERY_SECONDS, Policing
from services.policy.histories import VERSIONS, WORDS, HistoryRow, VersionRow, WordRow
from services.policy.rulebook import EXAMPLE

APPLIED = 100.0
BEGAN, LATER = "2026-11-28 09:00:00+00", "2026-11-28 11:00:00+00"
RULES = '[{"name": "no", "guards": "AuthorizePayment", "effect": "deny"}]'
EVENTS = [["StockReserved", 0.1], ["PaymentAuthorized", 0.2], ["ShipmentArranged", 0.3]]


def a_closed_order(number, placed_at=APPLIED + 10.0, told=EVENTS, mode="choreography"):
    order = msgspec.to_builtins(EXAMPLE)
    return HistoryRow(
        id=f"00000000-0000-7000-8000-{number:012}",
        mode=mode,
        customer_id=order["customer_id"],
        items=msgspec.json.encode(order["items"]).decode(),
        total_cents=order["amount_cents"],
        currency=order["currency"],
        card=order["card"],
        ship_to=msgspec.json.encode(order["ship_to"]).decode(),
        reason=None,
        placed_at=placed_at,
        events=msgspec.json.encode([[kind, placed_at + after] for kind, after in told]).decode(),
        answers="[]",
        closed_at=f"2026-11-28 10:00:00.{number // 3:06}+00",
    )


def moment(text):
    return datetime.fromisoformat(text).timestamp()


def place(row):
    return row.closed_at, row.id


class Tables:
    """What the order service has written down, and what was asked of it."""

    def __init__(self):
        self.versions, self.words, self.orders, self.asked = [], [], [], []

    def connection(self):
        return self

    def execute(self, query, values=None):
        self.asked.append((query, values))
        if query == VERSIONS:
            return map(msgspec.structs.astuple, self.versions)
        if query == WORDS:
            return map(msgspec.structs.astuple, self.words)
        if values is None:
            return SimpleNamespace(fetchone=lambda: (BEGAN, moment(BEGAN)))
        after = values["after"], values["last"]
        heard = [each for each in self.orders if moment(each.closed_at) < values["heard"]]
        later = [each for each in heard if place(each) > after]
        found = sorted(later, key=place)[: values["limit"]]
        return map(msgspec.structs.astuple, found)


class Watch:
    """The auditor of one replica over such tables, and what it shows. It has `heard` all that was
    told until then."""

    def __init__(self):
        self.tables, self.metrics, self.heard = Tables(), Metrics("order"), moment(LATER)
        listener = SimpleNamespace(until=lambda now: self.heard)
        self.policing = Policing(self.tables, self.metrics, listener)

    def put_in_force(self, version=1, enforced_at=APPLIED + 1.0, rules=RULES):
        self.tables.versions.append(VersionRow(version, rules, APPLIED))
        for name in ("payment-0", None):
            said = version if name else None
            self.tables.words.append(WordRow("payment", "payment-0", said, enforced_at, 0.0))

    def counted(self, name, **labels):
        return self.metrics.registry.get_sample_value(f"bandstand_{name}_total", labels)

    def violations(self, kind, mode="choreography"):
        return self.counted("policy_violations", mode=mode, kind=kind)


@pytest.fixture
def watch():
    return Watch()


def test_without_rules_no_order_is_looked_at(watch):
    watch.tables.orders = [a_closed_order(1)]
    assert watch.policing.audit() == AUDIT_EVERY_SECONDS
    assert [query for query, _ in watch.tables.asked][1:] == [VERSIONS]
    assert watch.violations("bypass") == 0


def test_each_bypass_is_counted_once_and_what_slipped_by_its_version(watch):
    watch.put_in_force(version=7)
    watch.tables.orders = [a_closed_order(1), a_closed_order(2, placed_at=APPLIED + 0.5)]
    for _ in range(3):
        assert watch.policing.audit() == AUDIT_EVERY_SECONDS
    assert (watch.violations("bypass"), watch.violations("slipped")) == (1, 1)
    assert watch.counted("policy_slipped", mode="choreography", version="7") == 1
    assert watch.violations("bypass", "orchestration") == 0


def test_an_order_that_slipped_past_two_rules_has_slipped_once(watch):
    """As in the report; what was violated is counted apart."""
    watch.put_in_force(rules=f"[{RULES[1:-1]}, {RULES[1:-1].replace('no', 'neither')}]")
    watch.tables.orders = [a_closed_order(1, placed_at=APPLIED + 0.5)]
    watch.policing.audit()
    assert watch.violations("slipped") == 2
    assert watch.counted("policy_slipped", mode="choreography", version="1") == 1


def test_the_share_of_steps_under_a_rule_is_told_of_each_mode(watch):
    watch.put_in_force()
    watch.tables.orders = [a_closed_order(1), a_closed_order(2, mode="orchestration")]
    watch.tables.orders.append(a_closed_order(3, told=EVENTS[:1]))
    for _ in range(2):
        watch.policing.audit()
    told = {
        (mode, guarded): watch.counted("policy_audited_steps", mode=mode, guarded=guarded)
        for mode in ("orchestration", "choreography")
        for guarded in ("true", "false")
    }
    assert told == {
        ("orchestration", "true"): 1,
        ("orchestration", "false"): 2,
        ("choreography", "true"): 1,
        ("choreography", "false"): 3,
    }


def test_a_version_through_which_nothing_slipped_is_told_as_nought(watch):
    watch.put_in_force(version=3)
    watch.policing.audit()
    assert watch.counted("policy_slipped", mode="orchestration", version="3") == 0


@pytest.mark.parametrize("orders", [AT_ONCE, 2 * AT_ONCE + 1])
def test_it_goes_on_at_once_behind_a_full_page_and_misses_nobody(watch, orders):
    """Also where a page ends between orders that were closed in the same moment."""
    watch.put_in_force()
    watch.tables.orders = [a_closed_order(number) for number in range(orders)]
    pauses = [watch.policing.audit() for _ in range(orders // AT_ONCE + 1)]
    assert pauses == [0.0] * (orders // AT_ONCE) + [AUDIT_EVERY_SECONDS]
    assert watch.violations("bypass") == orders


def test_what_was_closed_before_it_began_is_left_to_who_asks_for_everything(watch):
    watch.put_in_force()
    earlier = msgspec.structs.replace(a_closed_order(1), closed_at="2026-11-28 08:00:00+00")
    watch.tables.orders = [earlier]
    watch.policing.audit()
    assert watch.violations("bypass") == 0


@pytest.mark.parametrize("known", [None, BEGAN])
def test_an_order_of_which_something_may_be_unread_is_not_judged_before_it_is_read(watch, known):
    """Each kind of event has its topic, so the end of an order may be read before its middle."""
    watch.put_in_force()
    cheap = {"placed_at": APPLIED - 50.0}
    watch.tables.orders = [a_closed_order(1, **cheap, told=[*EVENTS[1:], ["PaymentCaptured", 0.4]])]
    watch.heard = known and moment(known)
    assert watch.policing.audit() == AUDIT_EVERY_SECONDS
    assert watch.violations("bypass") == 0
    watch.tables.orders = [a_closed_order(1, **cheap)]
    watch.heard = moment(LATER)
    watch.policing.audit()
    assert watch.violations("bypass") == 0
    assert watch.counted("policy_audited_steps", mode="choreography", guarded="false") == 3


def test_points_that_are_behind_are_shown_with_for_how_long(watch, monkeypatch):
    monkeypatch.setattr(policing, "points_behind", lambda connection: (2, 12.5))
    monkeypatch.setattr(policing, "missed", lambda connection: ["payment-1"])
    assert watch.policing.measure_skew() == SKEW_EVERY_SECONDS
    sample = watch.metrics.registry.get_sample_value
    assert sample("bandstand_policy_points_behind") == 2
    assert sample("bandstand_policy_points_missed") == 1
    assert sample("bandstand_policy_skew_seconds") == 12.5
