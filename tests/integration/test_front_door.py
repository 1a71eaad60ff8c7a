"""Orders are placed, looked through and cancelled by many at once, at two replicas of the order
service; nobody is behind them, so that nothing else moves."""

import json
import socket
from collections import Counter
from contextlib import ExitStack, closing, contextmanager
from http.client import HTTPConnection
from uuid import uuid4

import pytest

from lab.stack.ports import LOOPBACK
from services.kit.message import Mode, compose
from services.kit.topics import topics_in
from services.messages import ConfirmOrder, OrderPlaced
from services.order.admission import LOCK_EXCLUSIVE
from tests.integration.broker import a_tape
from tests.integration.builders import an_id, an_order_form
from tests.integration.crowd import at_once
from tests.integration.databases import held, rows, value, waiting
from tests.integration.front_door import place, placed, problem, switched
from tests.integration.traffic import send
from tests.integration.waiting import eventually

CROWD = 16
IN_DOUBT = """
INSERT INTO orders.orders (id, idempotency_key, customer_id, items, total_cents, currency, card,
    ship_to, mode, epoch, deadline_at, request_hash)
VALUES (%s, %s, 'c-1', '[]', 0, 'EUR', 'tok-visa', '{}', 'orchestration', 1, now(), '')
"""
UNSENT = "SELECT count(*) FROM orders.outbox"


@pytest.fixture
def told(empty_broker, module_database_url):
    """`told(order_id)`: type, mode and epoch of all that was published of an order, once each: a
    replica that is slow to note what it has sent has the other one send that again, as it was."""

    def told(order_id):
        eventually(lambda: value(module_database_url, UNSENT) == 0, "all is published")
        found = []
        names = ("ce_id", "ce_type", "ce_mode", "ce_epoch")
        for topic in topics_in(Mode, [OrderPlaced]):
            with a_tape(empty_broker, topic) as tape:
                headers = [dict(record.headers) for record in tape.records(order_id)]
                found += [tuple(each[name].decode() for name in names) for each in headers]
        return [one for _, *one in dict.fromkeys(found)]

    return told


def test_one_key_and_body_is_one_order_however_many_send_it_at_once(
    desks, told, module_database_url
):
    key = uuid4().hex
    answers = at_once([lambda n=n: place(desks[n % 2], key) for n in range(CROWD)])
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.text for answer in answers}) == 1
    order = answers[0].json()
    assert answers[0].headers["location"] == f"/orders/{order['id']}"
    assert place(desks[1], key).json() == order
    by_key = "SELECT id::text FROM orders.orders WHERE idempotency_key = %s"
    assert rows(module_database_url, by_key, key) == [(order["id"],)]
    assert told(order["id"]) == [["OrderPlaced", order["mode"], str(order["epoch"])]]


def test_one_key_with_two_bodies_is_the_order_of_whoever_came_first(desks, module_database_url):
    key, cards = uuid4().hex, ("tok-visa", "tok-mastercard")
    senders = [(desks[n // 2 % 2], cards[n % 2]) for n in range(CROWD)]
    answers = at_once([lambda d=desk, c=card: place(d, key, card=c) for desk, card in senders])
    assert Counter(answer.status_code for answer in answers) == {202: CROWD // 2, 422: CROWD // 2}
    admitted = {answer.text for answer in answers if answer.status_code == 202}
    refused = {problem(answer) for answer in answers if answer.status_code == 422}
    assert (len(admitted), refused) == (1, {"idempotency-key-reused"})
    first = {card for (_, card), answer in zip(senders, answers, strict=True) if answer.is_success}
    by_key = "SELECT card FROM orders.orders WHERE idempotency_key = %s"
    assert {card for (card,) in rows(module_database_url, by_key, key)} == first


def test_the_same_keys_at_both_replicas_in_any_sequence_hold_nobody_up(desks, module_database_url):
    """While the barrier is held both desks get a queue, which they then admit at once; each has
    some of its keys when both come to one that is in doubt for a while."""
    keys = [uuid4().hex for _ in range(CROWD)]
    some_key = (uuid4(), keys[CROWD // 2])
    with ExitStack() as lines, held(module_database_url, IN_DOUBT, *some_key) as in_doubt:
        with held(module_database_url, LOCK_EXCLUSIVE):
            sent = [
                lines.enter_context(an_order_sent(desk, key))
                for desk, sequence in ((desks[0], keys), (desks[1], reversed(keys)))
                for key in sequence
            ]
            eventually(lambda: waiting(module_database_url, "admission") == 2, "both wait")
            assert all(desk.http.get("/healthz").is_success for desk in desks)
        eventually(lambda: waiting(module_database_url, "admission") == 2, "both wait")
        in_doubt.rollback()
        answers = [line.getresponse() for line in sent]
        assert Counter(answer.status for answer in answers) == {202: len(sent)}
        assert len({answer.read() for answer in answers}) == len(keys)


@contextmanager
def an_order_sent(desk, key):
    """The line, on which the answer is still to come."""
    headers = {"Content-Type": "application/json", "Idempotency-Key": key}
    with closing(HTTPConnection(LOOPBACK, desk.port, timeout=30)) as line:
        line.request("POST", "/orders", json.dumps(an_order_form()), headers)
        yield line


def test_customers_who_hang_up_disturb_nobody(desks):
    for body in (b"", b'{"customer_id": "c-1", ', b"\x00" * 64):
        with socket.create_connection((LOOPBACK, desks[0].port)) as line:
            line.sendall(b"POST /orders HTTP/1.1\r\nHost: x\r\nContent-Length: 64\r\n\r\n" + body)
    assert placed(desks[0])["status"] == "pending"


def test_an_order_stands_although_its_customer_hung_up_before_the_answer(
    desks, module_database_url
):
    key = uuid4().hex
    with held(module_database_url, LOCK_EXCLUSIVE):
        with an_order_sent(desks[0], key):
            eventually(
                lambda: waiting(module_database_url, "admission") == 1, "it is being admitted"
            )
        assert desks[0].http.get("/healthz").is_success
    by_key = "SELECT id::text FROM orders.orders WHERE idempotency_key = %s"
    ((order,),) = eventually(lambda: rows(module_database_url, by_key, key), "it is admitted")
    assert place(desks[0], key).json()["id"] == order


def test_pages_show_every_order_once_newest_first_also_while_more_are_placed(desks):
    mode = Mode.CHOREOGRAPHY
    switched(desks[0], mode)
    before = [placed(desks[n % 2])["id"] for n in range(7)]
    seen, cursor = [], {}
    while True:
        answer = desks[0].http.get("/orders", params={"limit": 3, "mode": mode, **cursor})
        page = answer.json()
        seen += [order["id"] for order in page["orders"]]
        assert {order["mode"] for order in page["orders"]} == {mode}
        placed(desks[1])
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert seen == sorted(set(seen), reverse=True)
    assert [order for order in seen if order in before] == sorted(before, reverse=True)
    none = desks[0].http.get("/orders", params={"status": "rejected"}).json()
    assert none == {"orders": [], "next": None}


def test_many_who_cancel_at_once_cancel_once(desks, told):
    order = placed(desks[0])
    path = f"/orders/{order['id']}/cancel"
    answers = at_once([lambda n=n: desks[n % 2].http.post(path) for n in range(CROWD)])
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["cancel_requested_at"] for answer in answers}) == 1
    kinds = [kind for kind, _, _ in told(order["id"])]
    assert kinds[:2] == ["OrderPlaced", "OrderCancelRequested"]
    assert kinds.count("OrderCancelRequested") == 1
    heard = [each["type"] for each in answers[0].json()["timeline"]]
    assert heard == ["OrderPlaced", "OrderCancelRequested"]


def test_what_has_ended_cannot_be_cancelled_any_more(desks, empty_broker, told):
    switched(desks[0], Mode.ORCHESTRATION)
    order = placed(desks[0])
    command = ConfirmOrder(order_id=order["id"])
    mode, epoch = Mode(order["mode"]), order["epoch"]
    send(empty_broker, compose(command, source="test", mode=mode, epoch=epoch))
    at = f"/orders/{order['id']}"
    eventually(lambda: desks[0].http.get(at).json()["status"] == "confirmed", "it is confirmed")
    refused = desks[1].http.post(f"{at}/cancel")
    assert (refused.status_code, problem(refused)) == (409, "already-ended")
    assert "OrderCancelRequested" not in [kind for kind, _, _ in told(order["id"])]
    assert desks[1].http.get(at).json()["cancel_requested_at"] is None


def test_an_order_that_nobody_placed_is_unknown_whatever_is_asked(desks):
    for method, path in (("GET", "/orders/{}"), ("POST", "/orders/{}/cancel")):
        answer = desks[0].http.request(method, path.format(an_id()))
        assert (answer.status_code, problem(answer)) == (404, "unknown-order")
