"""One table of cases, enforced by a conductor and by a band: on six real services."""

import os
import signal
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import pytest
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient

from lab.api import Api
from lab.coordination.route import switch
from lab.database import Database
from lab.demo.misbehaving import misbehaving
from lab.demo.stage import on_stage
from lab.load.progress import Bars
from lab.load.summary import summarize
from lab.monitor.exposition import samples
from lab.policy.audit import audit_stack
from lab.policy.decisions import decisions_of
from lab.policy.rules import apply, await_enforced, in_force
from lab.stack.home import Home
from lab.stack.supervisor import processes
from lab.verify.invariants import verify
from lab.where.inquiry import Services, inquire
from services.kit.broker import ACKNOWLEDGEMENTS, COMPACTED, POLICIES
from services.kit.faults import Catalogue, Fault, Rule
from services.kit.message import Mode
from services.kit.probe import BrokerProbe
from services.order.heard import HOLDS, Heard
from services.order.policies import SILENT_SECONDS, points_behind
from services.order.service import TIMELINE_TOPICS
from services.policy.evidence import PROCESS, Kind
from services.policy.rules import read_rules
from services.policy.steps import CONDUCTOR, PARTICIPANTS, POINTS
from tests.integration.builders import an_order_form
from tests.integration.waiting import PATIENCE_SECONDS, a_client, eventually

MODES = pytest.mark.parametrize("mode", Mode)
ENFORCED_BY = {Mode.ORCHESTRATION: (CONDUCTOR,), Mode.CHOREOGRAPHY: PARTICIPANTS}
ABOUT = "order.items.exists(item, item.sku == '{}')"
PIANO_SECONDS = 60
AMPLE = 4_000  # more than is placed until the test has seen enough
RULES = (
    {
        "name": "no-drums",
        "guards": "AuthorizePayment",
        "when": ABOUT.format("drums"),
        "effect": "deny",
    },
    {
        "name": "pianos-need-a-look",
        "guards": "ArrangeShipment",
        "when": ABOUT.format("piano"),
        "effect": "hold",
        "hold": {"seconds": PIANO_SECONDS},
    },
    {
        "name": "cellos-are-looked-at-in-vain",
        "guards": "ReserveStock",
        "when": ABOUT.format("cello"),
        "effect": "hold",
        "hold": {"seconds": 0.3, "silence": "deny"},
    },
    {
        "name": "two-trumpets",
        "guards": "AuthorizePayment",
        "when": ABOUT.format("trumpet"),
        "effect": "limit",
        "limit": {"atMost": 2, "windowSeconds": 3600},
    },
    {
        "name": "stock-before-money",
        "guards": "AuthorizePayment",
        "when": "order.items.exists(item, item.sku == 'violin')",
        "effect": "require",
        "after": ["StockReserved"],
    },
    {
        "name": "saxophones-only-from-stock",
        "guards": "AuthorizePayment",
        "when": f"facts.StockReserved && {ABOUT.format('saxophone')}",
        "effect": "deny",
    },
    {
        "name": "only-looks",
        "guards": "CapturePayment",
        "when": "order.amount_cents > 0",
        "effect": "deny",
        "mode": "audit",
    },
)


@contextmanager
def orders_schema(stack):
    url, options = stack.postgres.url, "-c search_path=orders"
    with psycopg.connect(url, autocommit=True, options=options) as connection:
        yield connection


def is_said(database, instance, version, seconds_ago):
    """As the register writes it when it hears it."""
    database.execute(
        """
        INSERT INTO policy_acknowledgements (service, instance, version, at)
        VALUES ('payment', %(instance)s, %(version)s, now())
        ON CONFLICT DO NOTHING
        """,
        {"instance": instance, "version": version},
    )
    database.execute(
        """
        INSERT INTO policy_points (service, instance, version, at)
        VALUES ('payment', %(instance)s, %(version)s, now() - make_interval(secs => %(ago)s))
        ON CONFLICT (service, instance) DO UPDATE SET at = EXCLUDED.at
        """,
        {"instance": instance, "version": version, "ago": seconds_ago},
    )


def nobody_is_heard(order, database):
    """Until they repeat what they said, which somebody may do just now."""
    database.execute("UPDATE policy_points SET at = at - make_interval(hours => 1)")
    return in_force(order).points == []


FEW_CELLOS = {
    "name": "few-cellos",
    "guards": "ArrangeShipment",
    "when": ABOUT.format("cello"),
    "effect": "limit",
    "limit": {"atMost": 3, "windowSeconds": 600, "per": "'the shop'"},
}
VIOLINS_WAIT = {
    "name": "violins-wait",
    "guards": "ReserveStock",
    "when": ABOUT.format("violin"),
    "effect": "hold",
    "hold": {"seconds": 0.5, "silence": "allow"},
}


class Shop:
    """The stack's front door, in one mode."""

    def __init__(self, stack, mode):
        self.mode = mode
        self.urls = {name: service.url for name, service in stack.services.items()}
        self.order = Api(stack.services["order"].url, stack.token)
        self._http = a_client(stack.services["order"].url)
        self._bearer = {"Authorization": f"Bearer {stack.token}"}
        switch(self.order, mode, 100, print)

    def place(self, sku, customer="c-0001"):
        form = an_order_form(items=[{"sku": sku, "quantity": 1}], customer_id=customer)
        return self._http.post("/orders", json=form).raise_for_status().json()["id"]

    def look(self, order):
        return self._http.get(f"/orders/{order}").raise_for_status().json()

    def ended(self, order):
        eventually(lambda: self.look(order)["closed_at"], f"{order} is closed")
        found = self.look(order)
        return found["reason"] or found["status"]

    def answer(self, order, answer):
        return self._http.post(f"/orders/{order}/{answer}", headers=self._bearer).status_code

    def decisions(self, order, rule):
        return [each for each in decisions_of(self.urls, order) if each.rule == rule]


@pytest.fixture(scope="module")
def rules(stack):
    with Api(stack.services["order"].url, stack.token) as order:
        version = apply(order, read_rules(list(RULES)), print).version
        found = await_enforced(order, version, PATIENCE_SECONDS)
        assert found.behind() == []
        yield found
        cleared = apply(order, (), print).version
        assert await_enforced(order, cleared, PATIENCE_SECONDS).behind() == []


@pytest.fixture
def shop(stack, rules, mode):
    return Shop(stack, mode)


def test_every_point_acknowledges_the_version_it_enforces(rules):
    assert {point.service for point in rules.points} == set(POINTS)
    assert {point.version for point in rules.points} == {rules.version}


def test_of_rules_and_of_who_enforces_them_the_broker_keeps_the_newest_word(stack, rules):
    admin = KafkaAdminClient(bootstrap_servers=stack.kafka.bootstrap)
    try:
        asked = [ConfigResource(ConfigResourceType.TOPIC, name) for name in sorted(COMPACTED)]
        (told,) = admin.describe_configs(asked).values()
    finally:
        admin.close()
    assert {each["cleanup.policy"]["value"] for each in told.values()} == {"compact"}
    assert set(told) == {POLICIES, ACKNOWLEDGEMENTS}


@MODES
def test_a_denial_is_a_refusal_like_any_other_and_everything_is_undone(shop):
    order = shop.place("drums")
    assert shop.ended(order) == "policy:no-drums"
    (decision,) = shop.decisions(order, "no-drums")
    where = "orchestrator" if shop.mode is Mode.ORCHESTRATION else "payment"
    assert (decision.outcome, decision.decided_by) == ("denied", where)
    assert shop.ended(shop.place("guitar")) == "confirmed"


@MODES
def test_who_asks_where_a_held_order_is_is_told_the_rule(shop):
    order = shop.place("piano")
    with Services(shop.urls) as services:
        standing = eventually(lambda: held(services, order), f"{order} is held")
        assert standing.waits_for == [
            "an answer to pianos-need-a-look, which holds ArrangeShipment"
        ]
        if shop.mode is Mode.ORCHESTRATION:
            eventually(lambda: waiting_for_an_answer(shop) == 1, "the conductor counts it")
        shop.answer(order, "approve")
        assert shop.ended(order) == "confirmed"
        assert inquire(services, order).standing.waits_for == []


def held(services, order):
    found = inquire(services, order).standing
    return found if found.stands == "held" else None


def waiting_for_an_answer(shop):
    with Api(shop.urls["orchestrator"]) as orchestrator:
        told = samples(orchestrator.text("/metrics"))
    name = "bandstand_sagas_waiting"
    return next(each.value for each in told if each.name == name and each.labels["step"] == "hold")


@MODES
@pytest.mark.parametrize(
    ("answer", "end"), [("approve", "confirmed"), ("decline", "policy:pianos-need-a-look")]
)
def test_what_is_held_waits_for_an_answer(shop, answer, end):
    order = shop.place("piano")
    eventually(lambda: shop.answer(order, answer) == 202, f"{order} is held")
    assert shop.ended(order) == end
    assert shop.answer(order, answer) == 409
    said = [each.outcome for each in shop.decisions(order, "pianos-need-a-look")]
    assert said == ["held", "allowed" if answer == "approve" else "denied"]


@pytest.mark.parametrize("mode", [Mode.CHOREOGRAPHY])
def test_who_asks_until_when_all_holds_have_been_read_is_told_so_by_the_broker(shop, stack):
    order = shop.place("piano")
    eventually(lambda: shop.answer(order, "approve") == 202, f"{order} is held")
    broker = {"bootstrap_servers": stack.kafka.bootstrap}
    probe = BrokerProbe(lambda: KafkaAdminClient(**broker), patience=20.0)
    try:
        assert Heard(probe, "who-never-read-anything", [HOLDS]).until(1.0) is None
        timeline = Heard(probe, "order-timeline", TIMELINE_TOPICS)
        eventually(lambda: timeline.until(1.0) == 1.0, "they are read")
    finally:
        probe.close()


@MODES
def test_an_order_that_is_cancelled_while_it_is_held_leaves_nothing_that_a_drain_waits_for(
    shop, stack
):
    order = shop.place("piano")
    eventually(lambda: "StepHeld" in str(shop.look(order)["timeline"]), f"{order} is held")
    assert shop.answer(order, "cancel") == 202
    assert shop.ended(order) == "cancelled"
    with on_stage(stack) as stage:
        assert stage.await_quiet(PIANO_SECONDS / 2)


@MODES
def test_silence_is_an_answer_too(shop):
    assert shop.ended(shop.place("cello")) == "policy:cellos-are-looked-at-in-vain"


@MODES
def test_a_limit_counts_each_customer(shop):
    customer = f"c-{time.monotonic_ns()}"
    ends = [shop.ended(shop.place("trumpet", customer)) for _ in range(3)]
    assert ends == ["confirmed", "confirmed", "policy:two-trumpets"]
    assert shop.ended(shop.place("trumpet", f"{customer}-2")) == "confirmed"


def test_around_a_switch_a_limit_is_kept_in_each_mode_and_so_never_more_than_twice(stack, rules):
    """Two points that do not know each other keep the accounts: what that comes to, at most."""
    customer, ends = f"c-{time.monotonic_ns()}", []
    for mode in Mode:
        shop = Shop(stack, mode)
        ends += [shop.ended(shop.place("trumpet", customer)) for _ in range(3)]
    assert ends == ["confirmed", "confirmed", "policy:two-trumpets"] * 2


@MODES
def test_a_step_waits_for_the_fact_that_it_requires(shop):
    order = shop.place("violin")
    assert shop.ended(order) == "confirmed"
    told = [each["type"] for each in shop.look(order)["timeline"]]
    assert told.index("StockReserved") < told.index("PaymentAuthorized")
    (decision,) = shop.decisions(order, "stock-before-money")
    assert "StockReserved" in decision.facts


@MODES
def test_a_fact_that_only_the_expression_names_is_waited_for_as_well(shop):
    order = shop.place("saxophone")
    assert shop.ended(order) == "policy:saxophones-only-from-stock"
    (decision,) = shop.decisions(order, "saxophones-only-from-stock")
    assert (decision.outcome, "StockReserved" in decision.facts) == ("denied", True)


@MODES
def test_a_rule_that_only_looks_stops_nothing_and_is_in_the_log(shop):
    order = shop.place("guitar")
    assert shop.ended(order) == "confirmed"
    (decision,) = shop.decisions(order, "only-looks")
    assert (decision.outcome, decision.enforced) == ("denied", False)


@pytest.mark.parametrize(
    ("who", "passed"), [("payment", Mode.CHOREOGRAPHY), (CONDUCTOR, Mode.ORCHESTRATION)]
)
def test_who_decides_by_old_rules_is_harmless_in_one_mode_and_found_in_the_other(
    stack, rules, who, passed
):
    """A participant is not asked in orchestration, nor the conductor in choreography."""
    with on_stage(stack) as stage:
        ends = {mode: Shop(stack, mode) for mode in Mode}
        orders = {}
        with misbehaving(stage, Fault.STALE_POLICY, who):
            for mode, shop in ends.items():
                switch(shop.order, mode, 100, print)
                orders[mode] = shop.place("drums")
            said = {mode: ends[mode].ended(order) for mode, order in orders.items()}
        assert stage.await_quiet(30)
    assert said == dict.fromkeys(Mode, "policy:no-drums") | {passed: "confirmed"}
    found = audit_stack(Database(stack.postgres.url)).violations
    ours = [v for v in found if v.order_id in orders.values()]
    assert [(v.order_id, v.rule, v.kind) for v in ours] == [
        (orders[passed], "no-drums", Kind.BYPASS)
    ]


@MODES
def test_who_acts_without_being_asked_is_found_in_either_mode(shop, stack):
    with on_stage(stack) as stage:
        stage.set_faults(Catalogue(1, (Rule(Fault.UNASKED, 100),)))
        try:
            order = shop.place("guitar")
            assert shop.ended(order) == "confirmed"
        finally:
            stage.set_faults(Catalogue())
        assert stage.await_quiet(30)
    found = [v for v in audit_stack(Database(stack.postgres.url)).violations if v.order_id == order]
    assert {(v.rule, v.kind) for v in found} == {(PROCESS, Kind.BYPASS)}


def test_a_point_that_is_there_repeats_that_and_one_that_is_gone_is_forgotten(stack, rules):
    with Api(stack.services["order"].url, stack.token) as order, orders_schema(stack) as database:
        is_said(database, "payment-gone", rules.version, seconds_ago=0)
        version = apply(order, read_rules(list(RULES)), print).version
        eventually(lambda: [each.instance for each in in_force(order).behind()] == ["payment-gone"])
        assert points_behind(database)[0] == 1
        is_said(database, "payment-gone", rules.version, seconds_ago=SILENT_SECONDS + 1)
        assert points_behind(database)[0] == 0
        found = await_enforced(order, version, 1.0)
        assert {point.service for point in found.points} == set(POINTS)
        eventually(lambda: nobody_is_heard(order, database), "all are silent")
        eventually(lambda: in_force(order).points == found.points, "all have repeated it")


def test_no_promise_is_broken_by_all_this(stack, rules):
    assert [each for each in verify(Database(stack.postgres.url)) if each.violations] == []


@pytest.mark.parametrize(
    ("rules", "status", "told"),
    [
        (
            [{"name": "x", "guards": "ReserveStock", "effect": "deny", "when": "order."}],
            422,
            "line 1, column 7",
        ),
        ([{"name": "x", "guards": "nothing", "effect": "deny"}], 422, "guards"),
    ],
)
def test_a_bad_rule_is_refused_with_its_place(stack, rules, status, told):
    http = a_client(stack.services["order"].url)
    bearer = {"Authorization": f"Bearer {stack.token}"}
    seen = http.get("/policies").json()["version"]
    answer = http.put("/policies", json={"version": seen, "rules": rules}, headers=bearer)
    assert answer.status_code == status
    assert told in answer.json()["detail"]
    stale = http.put("/policies", json={"version": seen + 7, "rules": []}, headers=bearer)
    assert (stale.status_code, stale.json()["type"]) == (409, "urn:bandstand:problem:stale-version")


@MODES
def test_no_rule_is_bypassed_while_it_changes_and_points_are_killed(stack, mode):
    """Who comes back goes by what it had kept, and hears of what is newer; what it had held it
    lets go when it is time, and what it had counted is counted."""
    denials = [
        {**RULES[0], "name": f"no-{sku}", "when": ABOUT.format(sku)} for sku in ("drums", "piano")
    ]
    always = [FEW_CELLOS, VIOLINS_WAIT]
    with on_stage(stack) as stage, Api(stack.services["order"].url, stack.token) as order:
        stage.switch(mode)
        first = apply(order, read_rules([*denials[:1], *always]), print).version
        assert await_enforced(order, first, PATIENCE_SECONDS).behind() == []
        load = stage.load(AMPLE, seed=9)
        customers = threading.Thread(target=load.open, args=(40, 9, Bars(AMPLE), 60))
        customers.start()
        await_more(load, 40)
        killed = kill(stack, ENFORCED_BY[mode])
        second = apply(order, read_rules([*denials, *always]), print).version
        killed += kill(stack, ENFORCED_BY[mode])
        found = await_enforced(order, second, PATIENCE_SECONDS)
        await_more(load, 40)
        load.stop()
        customers.join()
        assert stage.await_quiet(60)
        rejected = summarize(load.ledger, stage.database).modes[mode].reasons
        apply(order, (), print)
    assert found.behind() == []
    assert killed >= len(ENFORCED_BY[mode])
    assert rejected["policy:no-drums"] > 0
    assert rejected["policy:no-piano"] > 0
    assert rejected["policy:few-cellos"] > 0
    assert "policy:violins-wait" not in rejected
    assert 0 < taken(stack, ENFORCED_BY[mode][-1], "few-cellos") <= 3
    audited = audit_stack(Database(stack.postgres.url)).violations
    ours = [v for v in audited if v.order_id in set(load.ledger.ids)]
    assert [v for v in ours if v.kind is Kind.BYPASS] == []
    assert {v.rule for v in ours} <= {"no-piano"}
    assert all(verdict.holds for verdict in verify(Database(stack.postgres.url)))


def await_more(load, orders):
    enough = len(load.ledger.placed) + orders
    eventually(lambda: len(load.ledger.placed) >= enough, f"{enough} orders are under way")


def taken(stack, service, rule):
    """From all accounts of a limit."""
    with psycopg.connect(stack.postgres.url) as connection:
        query = f"SELECT sum(amount) FROM {service}.spent WHERE rule = %s"
        return connection.execute(query, (rule,)).fetchone()[0]


def kill(stack, services):
    """Those that are there just now, and how many; the supervisor starts them again."""
    names, killed = {f"{service}-0" for service in services}, 0
    for each in processes(Home(Path(stack.home))):
        if each.name in names and each.pid:
            with suppress(ProcessLookupError):
                os.kill(each.pid, signal.SIGKILL)
                killed += 1
    return killed
