"""The state folder, its files and their readers."""

import os
from datetime import UTC, datetime

import pytest

from lab.errors import BandstandError, NoStackError
from lab.stack.home import Home, cache_folder, default_home
from lab.stack.logfiles import Follower, last_lines, log_file
from lab.stack.processes import MARK, belongs_to
from lab.stack.report import known_ports, without_password
from lab.stack.state import (
    DataOrigin,
    Instance,
    Kafka,
    Postgres,
    Service,
    Stack,
    Supervisor,
    find_stack,
    load_origin,
    load_stack,
    save_origin,
    save_stack,
)


@pytest.fixture
def home(tmp_path):
    home = Home(tmp_path)
    home.make()
    return home


def a_stack(home):
    order = Instance(name="order-0", url="http://127.0.0.1:18080", port=18080)
    return Stack(
        services={"order": Service(url=order.url, instances=[order])},
        kafka=Kafka(bootstrap="127.0.0.1:18092", provider="maven"),
        postgres=Postgres(url="postgresql://me:secret@127.0.0.1:18032/db", provider="wheel"),
        token="token",
        started_at=datetime(2026, 11, 23, tzinfo=UTC),
        supervisor=Supervisor(socket=str(home.supervisor_socket), pid=os.getpid()),
        seed=1,
        home=str(home.root),
    )


def test_a_stack_whose_supervisor_is_somebody_else_is_not_running(home):
    """The id in the file may meanwhile be anybody's, here this test's."""
    save_stack(home, a_stack(home))
    assert find_stack(home) is None
    with pytest.raises(NoStackError, match="run `bandstand up`"):
        load_stack(home)


def test_a_broken_file_is_no_stack(home):
    home.stack_file.write_text("{")
    assert find_stack(home) is None


def test_the_file_holds_secrets_and_only_its_owner_reads_it(home):
    save_stack(home, a_stack(home))
    assert home.stack_file.stat().st_mode & 0o777 == 0o600


def test_an_origin_is_remembered(home):
    assert load_origin(home) is None
    save_origin(home, DataOrigin(kafka="maven", postgres="wheel 18"))
    assert load_origin(home) == DataOrigin(kafka="maven", postgres="wheel 18")


def test_we_are_not_part_of_a_stack_even_if_started_by_one(home, monkeypatch):
    monkeypatch.setenv(MARK, str(home.root))
    assert not belongs_to(home, os.getpid())


def test_the_environment_says_where_things_go(tmp_path):
    assert default_home({"BANDSTAND_HOME": str(tmp_path)}).root == tmp_path.resolve()
    assert cache_folder({"BANDSTAND_CACHE": str(tmp_path)}) == tmp_path.resolve()
    assert cache_folder({"XDG_CACHE_HOME": str(tmp_path)}) == (tmp_path / "bandstand").resolve()


def test_root_keeps_its_state_where_another_user_can_get(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert str(default_home({}).root) == "/var/tmp/bandstand"
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert default_home({"XDG_STATE_HOME": "/state"}).root.name == "bandstand"


def test_a_folder_of_somebody_else_is_refused(tmp_path, monkeypatch):
    owner = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    with pytest.raises(BandstandError, match="belongs to somebody else"):
        Home(tmp_path).make()


def test_a_report_names_ports_and_no_password(home):
    stack = a_stack(home)
    assert known_ports(stack) == {"order-0": 18080, "kafka": 18092, "postgres": 18032}
    assert without_password(stack.postgres.url) == "postgresql://me@127.0.0.1:18032/db"
    assert without_password("postgresql://there/db") == "postgresql://there/db"


def test_last_lines_reach_back_before_a_rotation(home):
    (home.logs / "order-0.log.1").write_text("one\ntwo\n")
    log_file(home, "order-0").write_text("three\n")
    assert last_lines(home, "order-0", 2) == ["two", "three"]
    assert last_lines(home, "payment-0", 2) == []


def test_following_tells_whole_lines_once_and_survives_a_rotation(home):
    file = log_file(home, "order-0")
    file.write_text("before\n")
    follower = Follower(file)
    with file.open("a") as log:
        log.write("one\ntw")
    assert list(follower.new_lines()) == ["one"]
    with file.open("a") as log:
        log.write("o\n")
    file.rename(file.with_suffix(".log.1"))
    assert list(follower.new_lines()) == ["two"]
    file.write_text("three\n")
    assert list(follower.new_lines()) == ["three"]
    assert list(follower.new_lines()) == []


def test_a_log_that_does_not_exist_yet_can_be_followed(home):
    file = log_file(home, "order-0")
    follower = Follower(file)
    assert list(follower.new_lines()) == []
    file.write_text("first\n")
    assert list(follower.new_lines()) == ["first"]
