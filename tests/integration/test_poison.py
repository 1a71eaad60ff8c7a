"""What nobody can handle comes in on real topics: it is buried, once, and holds nobody up."""

import pytest

from services.kit.bootstrap import all_topics
from services.kit.dead_letters import LETTER, topic_of_letters
from services.kit.message import Mode
from services.messages import ShipmentArranged, ShipStock
from tests.integration.broker import a_producer, a_tape
from tests.integration.builders import a_message, an_id, as_sent
from tests.integration.databases import rows, value
from tests.integration.front_door import placed, switched
from tests.integration.traffic import Traffic, to_reserve
from tests.integration.waiting import eventually

LETTERS = topic_of_letters("inventory")
MOVES = "SELECT move FROM inventory.moves WHERE order_id = %s"
RESERVED = """
SELECT count(DISTINCT order_id) FROM inventory.moves
WHERE move = 'reserved' AND order_id = ANY(%s::uuid[])
"""
UNSENT = "SELECT count(*) FROM inventory.outbox"
SHIPPING = {
    Mode.ORCHESTRATION: lambda order: ShipStock(order_id=order),
    Mode.CHOREOGRAPHY: lambda order: ShipmentArranged(order_id=order, tracking="BAND-1"),
}


@pytest.fixture
def inventory(ensemble):
    return ensemble["inventory"]


@pytest.fixture(scope="module")
def send(empty_broker):
    """`send(topic, key, value, headers)`; the broker has it when this returns."""
    producer = a_producer(empty_broker)

    def send(topic, key, value, headers):
        producer.send(topic, value, key=key.encode(), headers=headers).get(timeout=30)

    yield send
    producer.close()


@pytest.fixture(scope="module")
def letters(ensemble, empty_broker):
    """`letters(key)`: what inventory has buried under this key."""
    with a_tape(empty_broker, LETTERS) as tape:
        yield tape.records


def without(name):
    return lambda value, headers: (value, {each: headers[each] for each in headers if each != name})


def with_header(name, text):
    return lambda value, headers: (value, {**headers, name: text})


def with_value(change):
    return lambda value, headers: (change(value), headers)


POISONS = {
    "no headers": (lambda value, _: (value, {}), "header ce_id is missing"),
    "no mode": (without("ce_mode"), "header ce_mode is missing"),
    "a third mode": (with_header("ce_mode", b"polka"), "'polka' is not a valid Mode"),
    "no text": (with_header("ce_type", b"\xff"), "unreadable header"),
    "another's id": (with_header("ce_subject", an_id().encode()), "ce_id is not"),
    "no epoch": (with_header("ce_epoch", b"soon"), "unreadable header"),
    "an epoch too far": (with_header("ce_epoch", b"2147483648"), "ce_epoch is not between"),
    "no time": (with_header("ce_time", b"tea time"), "ce_time"),
    "nothing in it": (with_value(lambda _: None), "MalformedMessage"),
    "no JSON": (with_value(lambda value: value[:-1]), "MalformedMessage"),
    "no object": (with_value(lambda _: b"[]"), "MalformedMessage"),
    "another's order": (
        with_value(lambda value: value.replace(value[13:49], an_id().encode())),
        "order_id is not the subject",
    ),
    "less than none": (
        with_value(lambda value: value.replace(b'"quantity":1', b'"quantity":-1')),
        "MalformedMessage",
    ),
    "what no database takes": (
        with_value(lambda value: value.replace(b"guitar", b"gui\\u0000tar")),
        "NUL",
    ),
}


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("poison", POISONS)
def test_what_cannot_be_read_is_buried_with_the_reason_and_the_next_is_handled(
    inventory, send, letters, module_database_url, mode, poison
):
    spoil, reason = POISONS[poison]
    bad, good = to_reserve(mode, 2)
    _, value, headers = as_sent(bad)
    value, headers = spoil(value, dict(headers))
    before = inventory.metric("bandstand_dead_letters_total", topic=bad.topic)
    send(bad.topic, good.saga_id, value, list(headers.items()))
    send(good.topic, *as_sent(good))
    expect_reserved(module_database_url, good.saga_id)
    (letter,) = eventually(lambda: letters(good.saga_id, bad.saga_id), "the bad one is buried")
    about = dict(letter.headers)
    assert reason in about["bandstand-reason"].decode()
    assert about["bandstand-original-topic"].decode() == bad.topic
    assert (letter.value or None, letter.headers[: len(headers)]) == (value, [*headers.items()])
    assert inventory.metric("bandstand_dead_letters_total", topic=bad.topic) == before + 1
    assert rows(module_database_url, MOVES, bad.saga_id) == []


@pytest.mark.parametrize("mode", Mode)
def test_what_always_fails_takes_none_of_its_batch_with_it(
    inventory, empty_broker, letters, module_database_url, mode
):
    """Every tenth message wants what was never reserved to be shipped."""
    good = to_reserve(mode, 180)
    poison = [a_message(SHIPPING[mode](an_id()), mode) for _ in range(20)]
    mixed = [*good]
    for number, each in enumerate(poison):
        mixed.insert(number * 10, each)
    with Traffic(empty_broker, mixed):
        pass
    orders, wanted = ([each.saga_id for each in group] for group in (good, poison))
    eventually(lambda: value(module_database_url, RESERVED, orders) == len(good), "all is reserved")
    expect_all_published(module_database_url)
    buried = eventually(lambda: all_of(letters(*wanted), wanted), "the bad ones are buried")
    assert sorted(letter.key.decode() for letter in buried) == sorted(wanted)
    reasons = {dict(letter.headers)["bandstand-reason"] for letter in buried}
    assert reasons == {b"Violation: shipping what is not reserved"}


def all_of(found, wanted):
    return found if len(found) >= len(wanted) else None


@pytest.mark.parametrize("mode", Mode)
def test_what_nobody_has_heard_of_is_passed_over_and_counted(
    inventory, send, letters, module_database_url, mode
):
    strange, good = to_reserve(mode, 2)
    _, value, headers = as_sent(strange)
    name = f"{strange.saga_id}:StockCounted:1".encode()
    headers = {**dict(headers), "ce_type": b"StockCounted", "ce_id": name}
    before = inventory.metric("bandstand_messages_ignored_total", reason="unknown type")
    send(strange.topic, good.saga_id, value, list(headers.items()))
    send(good.topic, *as_sent(good))
    expect_reserved(module_database_url, good.saga_id)
    after = inventory.metric("bandstand_messages_ignored_total", reason="unknown type")
    assert after > before
    expect_all_published(module_database_url)
    assert letters(good.saga_id, strange.saga_id) == []


def test_poison_that_comes_again_is_one_letter_also_if_its_reader_was_killed(
    inventory, send, letters, module_database_url
):
    """It may be published twice, as any message, under the same id."""
    poison = a_message(ShipStock(order_id=an_id()))
    send(poison.topic, *as_sent(poison))
    eventually(lambda: len(letters(poison.saga_id)) == 1, "it is buried")
    inventory.kill()
    send(poison.topic, *as_sent(poison))
    (good,) = to_reserve(Mode.ORCHESTRATION, 1)
    send(poison.topic, poison.saga_id, *as_sent(good)[1:])
    inventory.start()
    expect_reserved(module_database_url, good.saga_id)
    expect_all_published(module_database_url)
    assert len({dict(letter.headers)[LETTER] for letter in letters(poison.saga_id)}) == 1


def test_with_garbage_on_every_topic_orders_end_in_both_modes(ensemble, send, empty_broker):
    for topic in all_topics():
        for key in "abcdefgh":
            send(topic, key, b"\xff", [("ce_id", b"\xff")])
    order = ensemble["order"]
    for mode in Mode:
        switched(order, mode)
        at = f"/orders/{placed(order)['id']}"
        eventually(lambda at=at: order.http.get(at).json()["closed_at"], f"{mode} is not held up")
        assert order.http.get(at).json()["status"] == "confirmed"
    for service in ensemble:
        with a_tape(empty_broker, topic_of_letters(service)) as tape:
            eventually(lambda tape=tape: [r for r in tape.records("a") if len(r.headers) > 1])
        assert ensemble[service].is_ready()


def expect_reserved(database_url, order):
    eventually(lambda: value(database_url, RESERVED, [order]) == 1, "the next one is handled")


def expect_all_published(database_url):
    eventually(lambda: value(database_url, UNSENT) == 0, "all is published")
