"""supervisord's configuration, read back by supervisord's own parser."""

import pwd

import pytest
from supervisor.options import ServerOptions

from lab.errors import NotReadyError
from lab.stack import supervisor
from lab.stack.home import Home
from lab.stack.supervisor import (
    INFRASTRUCTURE,
    SERVICES,
    ProcessInfo,
    Program,
    render,
    running,
)


@pytest.fixture
def home(tmp_path):
    home = Home(tmp_path / "with 100% & a space")
    home.make()
    return home


def a_program(**wishes):
    defaults = {"name": "order-0", "command": ["/bin/true"], "group": SERVICES, "port": 1}
    return Program(**{**defaults, **wishes})


def read_back(home, *programs):
    home.supervisor_config.write_text(render(home, programs))
    options = ServerOptions()
    options.realize(["-c", str(home.supervisor_config)])
    return options


def only_program(options):
    [group] = options.process_group_configs
    [program] = group.process_configs
    return program


def test_commands_and_values_survive_quoting(home):
    url = "postgresql://me:p%40ss,'w\"@127.0.0.1:1/db?options=-c%20x%3D1"
    command = ["/bin/sh", "-c", "echo \"100%\" 'and' more"]
    program = only_program(
        read_back(home, a_program(command=command, environment={"URL": url, "PORT": "1"}))
    )
    filename_and_words = program.make_process().get_execv_args()
    assert filename_and_words[1] == command
    assert program.environment == {
        "URL": url.replace("'", "%27").replace('"', "%22"),
        "PORT": "1",
    }
    assert program.stdout_logfile == "order-0.log"


def test_a_program_is_restarted_however_often_it_ends(home):
    program = only_program(read_back(home, a_program()))
    assert program.startsecs == 0
    assert program.autorestart.__name__ == "RestartUnconditionally"
    assert program.redirect_stderr
    assert program.killasgroup


def test_services_stop_before_what_they_need(home):
    kafka = a_program(name="kafka", group=INFRASTRUCTURE)
    groups = {
        group.name: group.priority
        for group in read_back(home, kafka, a_program()).process_group_configs
    }
    assert groups[SERVICES] > groups[INFRASTRUCTURE]


def test_a_program_may_run_as_another_user(home):
    nobody = pwd.getpwnam("nobody")
    assert only_program(read_back(home, a_program(user="nobody"))).uid == nobody.pw_uid


def test_the_supervisor_is_reached_only_by_its_user(home):
    options = read_back(home, a_program())
    [server] = options.server_configs
    assert server["file"] == str(home.supervisor_socket)
    assert server["chmod"] == 0o700
    assert "inet_http_server" not in render(home, [])


def test_a_deep_state_folder_gets_a_socket_that_fits(tmp_path):
    deep = Home(tmp_path / ("deep" * 30))
    assert len(str(deep.supervisor_socket)) < 104
    assert deep.supervisor_socket != Home(tmp_path / ("deeper" * 20)).supervisor_socket


def test_of_a_process_that_is_being_restarted_nobody_gets_a_pid_of_zero(home, monkeypatch):
    """A signal to 0 reaches the sender and all of its group."""
    pids = iter([0, 0, 4711])
    monkeypatch.setattr(supervisor, "processes", lambda _: [a_process(next(pids))])
    assert running(home, "kafka").pid == 4711


def test_one_that_is_not_restarted_is_named(home, monkeypatch):
    monkeypatch.setattr(supervisor, "processes", lambda _: [a_process(0)])
    monkeypatch.setattr(supervisor, "RUNS_WITHIN", 0.0)
    with pytest.raises(NotReadyError, match="kafka does not run"):
        running(home, "kafka")


def a_process(pid):
    return ProcessInfo("kafka", "running" if pid else "backoff", pid, 1, 0.0)
