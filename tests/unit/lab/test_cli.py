"""How every command ends."""

import json
import os
import signal

import pytest
import typer

from lab import cli
from lab.cli import main
from lab.commands.logs import select
from lab.commands.up import parse_replicas
from lab.errors import BandstandError, NotReadyError


@pytest.fixture(autouse=True)
def quiet(tmp_path, monkeypatch):
    """Signal handlers and the state folder are the process's; each test gives them back."""
    monkeypatch.setenv("BANDSTAND_HOME", str(tmp_path))
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def command(monkeypatch):
    """Adds a command that does what the test says."""
    app = typer.Typer()
    app.callback()(lambda: None)
    monkeypatch.setattr(cli, "app", app)
    return lambda does: app.command("play")(does)


def test_an_error_is_one_line_on_stderr_and_its_exit_code(command, capsys):
    @command
    def play():
        raise NotReadyError("the band is late")

    assert main(["play"]) == 5
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == "bandstand: the band is late\n"


def test_a_usage_error_is_one_line_and_2(capsys):
    assert main(["down", "--xyz"]) == 2
    assert capsys.readouterr().err == "bandstand: No such option: --xyz\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_is_130_and_says_nothing(command, capsys, number):
    @command
    def play():
        os.kill(os.getpid(), number)
        signal.pause()

    assert main(["play"]) == 130
    assert capsys.readouterr() == ("", "")


def test_a_bug_shows_its_traceback(command):
    @command
    def play():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        main(["play"])


def test_without_a_command_there_is_help(capsys):
    assert main([]) == 0
    assert "Commands:" in capsys.readouterr().out


def test_status_without_a_stack_is_4(capsys):
    assert main(["status", "--json"]) == 4
    assert capsys.readouterr().err == "bandstand: no stack is running; run `bandstand up`\n"


def test_down_without_a_stack_is_fine(capsys):
    assert main(["down", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"ended": 0, "wiped": False}


def test_replicas_are_read():
    assert parse_replicas(["inventory=2", "payment=3"]) == {"inventory": 2, "payment": 3}


@pytest.mark.parametrize("word", ["inventory", "inventory=0", "inventory=ten", "tuba=2"])
def test_replicas_that_mean_nothing_are_refused(word):
    with pytest.raises(typer.BadParameter):
        parse_replicas([word])


def test_logs_are_chosen_by_service_or_process():
    available = ["inventory-0", "inventory-1", "kafka", "order-0"]
    assert select(available, None) == available
    assert select(available, "inventory") == ["inventory-0", "inventory-1"]
    assert select(available, "inventory-1") == ["inventory-1"]
    assert select(available, "kafka") == ["kafka"]
    with pytest.raises(BandstandError, match="logs there are: inventory-0"):
        select(available, "tuba")
