"""Dead letters of real services on a real broker, by the command line: found, replayed, let go.

What makes a message fail for good is what does so in life: a constraint that somebody has put on a
table by mistake. It is taken away, and the message is replayed.
"""

import json
import sys
from contextlib import contextmanager

import psycopg
import pytest

from lab.cli import main
from lab.letters.choose import to_replay
from lab.letters.office import Office
from services.kit.message import Mode
from tests.integration.broker import a_producer, a_tape, forget_everything
from tests.integration.builders import an_order_form
from tests.integration.databases import rows, value
from tests.integration.traffic import send, to_reserve
from tests.integration.waiting import a_client, eventually

TRACE = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = f"00-{TRACE}-b7ad6b7169203331-01"
MOVED = "SELECT count(*) FROM inventory.moves WHERE order_id = %s"
ANSWERS = {
    Mode.ORCHESTRATION: "inventory.orchestration.events",
    Mode.CHOREOGRAPHY: "inventory.choreography.events",
}


@pytest.fixture
def _empty_topics(bootstrap):
    """Services name their topics the same in every test."""
    forget_everything(bootstrap)


@pytest.fixture
def inventory(_empty_topics, make_service):
    return make_service("inventory").start()


@pytest.fixture
def cli(monkeypatch, capsys):
    """`cli(home)("list")`: the exit code of `bandstand dead-letters list`, and what it printed."""

    def at(home):
        monkeypatch.setenv("BANDSTAND_HOME", str(home))

        def run(*arguments):
            capsys.readouterr()
            code = main(["dead-letters", *arguments, "--json"])
            printed, said = capsys.readouterr()
            sys.stderr.write(said)
            return code, json.loads(printed) if printed else None

        return run

    return at


@pytest.fixture
def dead_letters(cli, infra):
    return cli(infra.home.root)


@contextmanager
def a_mistake(database_url, table, condition):
    """For as long as it lasts, rows like this cannot be stored."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        add = f"ALTER TABLE {table} ADD CONSTRAINT by_mistake CHECK ({condition}) NOT VALID"
        connection.execute(add)
        try:
            yield
        finally:
            connection.execute(f"ALTER TABLE {table} DROP CONSTRAINT by_mistake")


def no_moves_of(message):
    return "inventory.moves", f"order_id <> '{message.saga_id}'"


def letters(dead_letters, *filters):
    code, found = dead_letters("list", *filters)
    assert code == 0
    return found["letters"]


def open_letter(dead_letters, count=1):
    """The newest, once there are as many."""
    return eventually(lambda: letters(dead_letters)[count - 1 :], "a dead letter")[-1]


def buried(dead_letters, bootstrap, database_url, mode):
    """A message that inventory could not handle while there was a mistake, and its letter."""
    (message,) = to_reserve(mode, 1)
    message = message.within(TRACEPARENT)
    with a_mistake(database_url, *no_moves_of(message)):
        send(bootstrap, message)
        return message, open_letter(dead_letters)


@pytest.fixture(params=Mode)
def grave(request, inventory, dead_letters, bootstrap, database_url):
    return buried(dead_letters, bootstrap, database_url, request.param)


def test_what_a_service_cannot_handle_is_listed_and_shown(grave, dead_letters):
    message, letter = grave
    assert (letter["service"], letter["type"], letter["mode"]) == (
        "inventory",
        message.type,
        message.mode,
    )
    assert letter["reason"].startswith("CheckViolation: new row for relation")
    assert (letter["order_id"], letter["trace_id"], letter["state"]) == (
        message.saga_id,
        TRACE,
        "open",
    )
    code, shown = dead_letters("show", letter["id"][:6])
    assert code == 0
    assert shown["payload"] == json.loads(message.value)
    assert shown["headers"]["ce_id"] == message.id
    assert shown["traceparent"] == TRACEPARENT
    original = shown["original"]
    assert (original["topic"], original["offset"]) == (message.topic, 0)


def test_a_letter_that_is_replayed_twice_is_handled_once(
    grave, dead_letters, bootstrap, database_url, inventory
):
    message, letter = grave
    send(bootstrap, message)
    code, replayed = dead_letters("replay", letter["id"], "--wait")
    assert (code, replayed["replayed"], replayed["came_back"]) == (0, [letter["id"]], [])
    assert value(database_url, MOVED, message.saga_id) == 1
    assert letters(dead_letters) == []
    assert [one["state"] for one in letters(dead_letters, "--all")] == ["replayed"]
    assert dead_letters("replay", letter["id"])[1]["before"] == [letter["id"]]
    assert dead_letters("replay", letter["id"], "--again", "--wait")[0] == 0
    assert value(database_url, MOVED, message.saga_id) == 1
    assert inventory.metric("bandstand_duplicates_dropped_total") >= 2
    with a_tape(bootstrap, ANSWERS[message.mode]) as tape:
        assert tape.ids() == [f"{message.saga_id}:StockReserved:1"]


def test_the_original_comes_back_to_its_topic_as_it_was(grave, dead_letters, bootstrap):
    message, letter = grave
    assert dead_letters("replay", letter["id"])[0] == 0
    with a_tape(bootstrap, message.topic) as tape:
        original, replay = tape.records()
    assert (replay.key, replay.value) == (original.key, original.value)
    assert replay.partition == original.partition
    marker = ("bandstand-replay", f"inventory/{letter['id']}".encode())
    assert replay.headers == [*original.headers, marker]


def test_a_replay_that_fails_again_comes_back_as_another_letter(
    grave, dead_letters, bootstrap, database_url
):
    message, first = grave
    with a_mistake(database_url, *no_moves_of(message)):
        code, replayed = dead_letters("replay", "--all", "--wait")
        (second,) = letters(dead_letters)
    assert code == 1
    assert [back["id"] for back in replayed["came_back"]] == [second["id"]]
    assert second["replay_of"] == first["id"] != second["id"]
    assert dead_letters("replay", "--all", "--service", "inventory", "--wait")[0] == 0
    assert value(database_url, MOVED, message.saga_id) == 1
    assert letters(dead_letters) == []


def test_a_discarded_letter_stays_what_it_is_and_says_why(grave, dead_letters, database_url):
    message, letter = grave
    assert dead_letters("discard", letter["id"], "--reason", "a test order")[0] == 0
    assert letters(dead_letters) == []
    (gone,) = letters(dead_letters, "--all", "--order", message.saga_id)
    assert (gone["state"], gone["resolved_because"]) == ("discarded", "a test order")
    assert dead_letters("discard", letter["id"], "--reason", "again")[1]["discarded"] == []
    assert dead_letters("replay", letter["id"]) == (1, None)
    assert dead_letters("replay", "--all")[1]["sent"] == []
    assert value(database_url, MOVED, message.saga_id) == 0
    assert dead_letters("replay", letter["id"], "--again", "--wait")[0] == 0
    assert value(database_url, MOVED, message.saga_id) == 1


@pytest.fixture
def one_grave(inventory, dead_letters, bootstrap, database_url):
    return buried(dead_letters, bootstrap, database_url, Mode.CHOREOGRAPHY)


def test_two_people_may_replay_at_once(one_grave, dead_letters, bootstrap, database_url):
    message, letter = one_grave
    with Office(bootstrap) as mine, Office(bootstrap) as theirs:
        plans = [to_replay(office.letters()) for office in (mine, theirs)]
        for office, plan in zip((mine, theirs), plans, strict=True):
            assert [sent.id for sent in office.replay(plan.todo)] == [letter["id"]]
    assert dead_letters("replay", letter["id"], "--again", "--wait")[0] == 0
    assert value(database_url, MOVED, message.saga_id) == 1


def test_who_dies_between_sending_and_recording_may_replay_again(
    one_grave, dead_letters, bootstrap, database_url, monkeypatch
):
    message, letter = one_grave
    with monkeypatch.context() as dying:
        dying.setattr(Office, "_resolve", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            dead_letters("replay", letter["id"])
    assert open_letter(dead_letters)["id"] == letter["id"]
    assert dead_letters("replay", letter["id"], "--wait")[0] == 0
    assert value(database_url, MOVED, message.saga_id) == 1


def test_a_replay_waits_for_a_service_that_is_not_there(
    one_grave, dead_letters, database_url, inventory
):
    message, letter = one_grave
    inventory.kill()
    assert dead_letters("replay", letter["id"], "--wait", "--timeout", "1") == (5, None)
    assert value(database_url, MOVED, message.saga_id) == 0
    inventory.start()
    eventually(lambda: value(database_url, MOVED, message.saga_id) == 1, "it is handled")


def test_what_nobody_can_read_is_buried_by_each_and_replayed_to_one(
    inventory, make_service, dead_letters, bootstrap
):
    make_service("payment").start()
    producer = a_producer(bootstrap)
    producer.send("orders.choreography.events", b"\xff", key=b"k", headers=[("ce_id", b"?")])
    producer.close()
    eventually(lambda: len(letters(dead_letters)) == 2, "both have buried it")
    (mine,) = letters(dead_letters, "--service", "inventory")
    assert (mine["reason"], mine["order_id"]) == ("header ce_type is missing", None)
    assert mine["original"]["offset"] == 0
    assert dead_letters("show", mine["id"])[1]["payload"] == "\\xff"
    for _ in range(2):
        assert dead_letters("replay", mine["id"], "--again", "--wait")[0] == 1
    (again,) = letters(dead_letters, "--service", "inventory")
    assert again["replay_of"] == mine["id"]
    assert len(letters(dead_letters, "--service", "payment", "--all")) == 1


def test_what_nobody_has_is_an_error(inventory, dead_letters):
    assert dead_letters("list") == (0, {"letters": []})
    assert dead_letters("show", "0123456789ab") == (1, None)
    assert dead_letters("replay", "0123456789ab") == (1, None)


@pytest.mark.parametrize("mode", Mode)
def test_an_order_goes_on_where_it_stopped_once_its_letter_is_replayed(stack, cli, mode):
    """After the pivot nobody may go back: without its payment captured it stays open."""
    dead_letters, database = cli(stack.home), stack.postgres.url
    with a_mistake(database, "payment.ledger", "entry <> 'captured'"):
        order = placed(stack, mode)
        letter = open_letter(lambda *given: dead_letters(*given, "--order", order))
        assert (letter["service"], letter["mode"]) == ("payment", mode)
        assert status(database, order) == ("pending", None)
    code, replayed = dead_letters("replay", letter["id"], "--wait")
    assert (code, replayed["came_back"]) == (0, [])
    eventually(lambda: status(database, order) == ("confirmed", None), "the order goes on")
    assert main(["verify", "--json"]) == 0


def test_an_order_that_did_not_wait_for_its_letter_is_not_disturbed_by_it(stack, cli):
    """Before the pivot a silence is taken for a failure in the end, and what can be is undone."""
    dead_letters, database = cli(stack.home), stack.postgres.url
    rejected = ("rejected", "timed_out")
    with a_mistake(database, "inventory.moves", "move <> 'reserved'"):
        orders = [placed(stack, mode) for mode in Mode]
        for order in orders:
            eventually(lambda order=order: status(database, order) == rejected, "it is given up")
    theirs = [each for each in letters(dead_letters) if each["order_id"] in orders]
    assert {letter["mode"] for letter in theirs} == set(Mode)
    code, replayed = dead_letters("replay", *(each["id"] for each in theirs), "--wait")
    assert (code, replayed["came_back"]) == (0, [])
    assert main(["verify", "--json"]) == 0
    assert [status(database, order) for order in orders] == [rejected] * 2


def placed(stack, mode):
    assert main(["switch", mode]) == 0
    with a_client(stack.services["order"].url) as customer:
        return customer.post("/orders", json=an_order_form()).json()["id"]


def status(database_url, order):
    (found,) = rows(database_url, "SELECT status, reason FROM orders.orders WHERE id = %s", order)
    return found
