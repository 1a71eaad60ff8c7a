"""The local stack for real: Kafka, PostgreSQL and supervisord, with stand-ins for the services."""

import os
import signal
import sys
import time
from datetime import timedelta
from pathlib import Path

import httpx
import psycopg
import pytest
from kafka import KafkaAdminClient

from lab.errors import NoStackError, NotReadyError
from lab.stack import supervisor
from lab.stack.home import Home
from lab.stack.logfiles import last_lines
from lab.stack.options import StackOptions
from lab.stack.ports import is_free
from lab.stack.processes import is_dead, processes_of
from lab.stack.ready import kafka_problem, postgres_problem
from lab.stack.report import report
from lab.stack.run import infrastructure_only, running_stack, stop
from lab.stack.state import load_stack
from tests.integration.terminal import in_terminal, until
from tests.integration.waiting import eventually

HERE = Path(__file__).parent
STAND_IN = (sys.executable, str(HERE / "stand_in_service.py"))
PATIENCE = 120.0


class Heard:
    def __init__(self):
        self.lines = []

    def say(self, line):
        self.lines.append(line)

    def waiting(self, what):
        pass


def a_stack(**wishes):
    defaults = {"services": ("order", "inventory"), "service_command": STAND_IN}
    return StackOptions(known_ports=False, **{**defaults, **wishes})


def held_stack(home, *services, **environment):
    """`hold_stack.py`, as if in another terminal."""
    return in_terminal(home, sys.executable, HERE / "hold_stack.py", *services, **environment)


def test_a_stack_answers_and_describes_itself(home):
    with running_stack(a_stack(replicas={"inventory": 2}, seed=7), home=home) as running:
        stack = load_stack(home)
        assert stack == running.stack
        assert home.stack_file.stat().st_mode & 0o777 == 0o600
        assert [each.name for each in stack.services["inventory"].instances] == [
            "inventory-0",
            "inventory-1",
        ]
        for service in stack.services.values():
            assert service.url == service.instances[0].url
            assert all(httpx.get(f"{each.url}/readyz").is_success for each in service.instances)
        eventually(lambda: postgres_problem(stack.postgres.url) is None, "it answers")
        eventually(lambda: kafka_problem(stack.kafka.bootstrap) is None, "it answers")

        state = report(home, stack)
        assert {each.name for each in state.processes} == {
            "kafka",
            "postgres",
            "order-0",
            "inventory-0",
            "inventory-1",
        }
        assert all(each.restarts == 0 and each.rss_bytes > 0 for each in state.processes)
        assert stack.token not in repr(state)
        assert psycopg.conninfo.conninfo_to_dict(stack.postgres.url)["password"] not in repr(state)


def test_nothing_is_left_after_the_context(home):
    with running_stack(a_stack(), home=home) as running:
        ports = [instance.port for instance in running.stack.services["order"].instances]
        processes = processes_of(home)
        assert processes
    assert processes_of(home) == []
    assert all(is_dead(process.pid) for process in processes)
    assert all(is_free(port) for port in ports)
    with pytest.raises(NoStackError):
        load_stack(home)


def test_a_second_start_finds_the_first_and_does_not_stop_it(home):
    with running_stack(a_stack(), home=home) as first:
        heard = Heard()
        with running_stack(a_stack(), heard, home) as second:
            assert second.stack == first.stack
        assert any("found the stack" in line for line in heard.lines)
        assert load_stack(home) == first.stack


def test_a_kept_stack_stays_until_it_is_stopped(home):
    with running_stack(a_stack(), home=home) as running:
        running.keep()
    assert load_stack(home) == running.stack
    assert stop(home) > 0
    assert processes_of(home) == []
    assert stop(home) == 0


def test_a_killed_process_is_restarted_and_counted(home):
    with running_stack(a_stack(), home=home):

        def of(name):
            return next(each for each in supervisor.processes(home) if each.name == name)

        for name in ("order-0", "postgres", "kafka"):
            before = of(name)
            os.kill(before.pid, signal.SIGKILL)

            def it_runs_again(name=name, before=before):
                return of(name).pid not in (0, before.pid)

            eventually(it_runs_again, f"{name} runs again", PATIENCE)
            assert of(name).restarts > before.restarts
        assert of("inventory-0").restarts == 0
        bootstrap = load_stack(home).kafka.bootstrap
        eventually(lambda: kafka_problem(bootstrap) is None, "Kafka answers", PATIENCE)


def test_data_stays_until_a_fresh_start(home):
    def numbers(stack):
        with psycopg.connect(stack.postgres.url) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS kept (n int)")
            return connection.execute("SELECT n FROM kept").fetchall()

    def topics(stack):
        admin = KafkaAdminClient(bootstrap_servers=stack.kafka.bootstrap)
        try:
            return admin.list_topics()
        finally:
            admin.close()

    with running_stack(a_stack(services=()), home=home) as running:
        assert numbers(running.stack) == []
        with psycopg.connect(running.stack.postgres.url) as connection:
            connection.execute("INSERT INTO kept VALUES (7)")
        admin = KafkaAdminClient(bootstrap_servers=running.stack.kafka.bootstrap)
        admin.create_topics({"kept": {"num_partitions": 1, "replication_factor": 1}})
        admin.close()
    with running_stack(a_stack(services=()), home=home) as running:
        assert numbers(running.stack) == [(7,)]
        assert "kept" in topics(running.stack)
    with running_stack(a_stack(services=(), fresh=True), home=home) as running:
        assert numbers(running.stack) == []
        assert "kept" not in topics(running.stack)


MOMENTS = [
    ("Kafka: ", signal.SIGINT),
    ("preparing PostgreSQL", signal.SIGINT),
    ("PostgreSQL: ", signal.SIGTERM),
    ("waiting for kafka", signal.SIGINT),
    ("waiting for never-0", signal.SIGTERM),
]


def test_an_interrupt_at_any_moment_leaves_nothing_and_nothing_half(home):
    """One state folder for all moments: each start meets what the one before has left."""
    for moment, number in MOMENTS:
        with held_stack(home, "never") as process:
            until(process, moment)
            process.send_signal(number)
            process.communicate(timeout=PATIENCE)
        assert process.returncode == 130, moment
        assert processes_of(home) == [], moment
        assert not home.stack_file.exists(), moment
    with running_stack(a_stack(), home=home):
        assert load_stack(home)


def test_a_second_interrupt_does_not_disturb_the_cleaning_up(home):
    with held_stack(home, "order") as process:
        until(process, "ready")
        for _ in range(5):
            process.send_signal(signal.SIGINT)
            time.sleep(0.01)
        process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert processes_of(home) == []


def test_an_interrupted_download_leaves_no_half_and_no_maven(home, tmp_path):
    slow = tmp_path / "mvn"
    slow.write_text("#!/bin/sh\nsleep 600 &\nsleep 600\n")
    slow.chmod(0o755)
    cache = tmp_path / "cache"
    path = f"{tmp_path}:{os.environ['PATH']}"
    with held_stack(home, BANDSTAND_CACHE=str(cache), PATH=path) as process:
        until(process, "downloading Kafka")
        eventually(lambda: len(processes_of(home)) >= 3, "Maven runs", PATIENCE)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE)
    assert processes_of(home) == []
    assert [each.name for each in cache.iterdir()] == ["lock"]


def test_orphans_of_a_killed_supervisor_are_ended_by_the_next_start(home):
    with running_stack(a_stack(), home=home) as running:
        running.keep()
    supervising = running.stack.supervisor.pid
    orphans = [each for each in processes_of(home) if each.pid != supervising]
    os.kill(supervising, signal.SIGKILL)
    eventually(lambda: is_dead(supervising), "the supervisor is gone")
    with pytest.raises(NoStackError):
        load_stack(home)
    heard = Heard()
    with running_stack(a_stack(), heard, home) as second:
        assert any("that a killed stack had left" in line for line in heard.lines)
        assert all(is_dead(orphan.pid) for orphan in orphans)
        eventually(lambda: postgres_problem(second.stack.postgres.url) is None, "it answers")


def test_orphans_of_a_killed_supervisor_are_ended_by_down(home):
    with running_stack(a_stack(), home=home) as running:
        running.keep()
    os.kill(running.stack.supervisor.pid, signal.SIGKILL)
    assert stop(home) > 0
    assert processes_of(home) == []


def test_a_start_after_everything_was_killed_works(home):
    with held_stack(home, "order") as process:
        until(process, "ready")
        process.kill()
        for each in processes_of(home):
            each.kill()
        eventually(lambda: processes_of(home) == [], "all are gone", PATIENCE)
    assert home.stack_file.exists()
    with running_stack(a_stack(), home=home) as running:
        eventually(lambda: postgres_problem(running.stack.postgres.url) is None, "it answers")
        eventually(lambda: kafka_problem(running.stack.kafka.bootstrap) is None, "it answers")


def test_two_starts_at_once_make_one_stack(home):
    with held_stack(home, "order") as first, held_stack(home, "order") as second:
        until(first, "ready")
        until(second, "ready")
        supervisors = [
            each for each in processes_of(home) if "supervisor.supervisord" in each.cmdline()
        ]
        assert len(supervisors) == 1


def test_one_that_keeps_dying_is_named_with_its_last_words(home):
    heard = Heard()
    with (
        pytest.raises(NotReadyError, match="broken-0 has died"),
        running_stack(a_stack(services=("broken",)), heard, home),
    ):
        pytest.fail("a stack without its service is not ready")
    assert "broken-0 | cannot start: no sheet music" in heard.lines
    assert processes_of(home) == []


def test_one_that_is_never_ready_is_named_with_its_reason(home, infra):
    """On servers that are there: one that is still starting would be named before it."""
    given = {"kafka": infra.kafka.bootstrap, "postgres": infra.postgres.url}
    options = a_stack(services=("never",), timeout=timedelta(seconds=8), **given)
    with (
        pytest.raises(NotReadyError, match=r"never-0 not ready after 8 s: broker: no answer"),
        running_stack(options, home=home),
    ):
        pytest.fail("a stack without its service is not ready")
    assert processes_of(home) == []


def test_logs_tell_what_a_process_wrote(home):
    with running_stack(a_stack(), home=home):
        said = eventually(lambda: last_lines(home, "order-0", 5), "supervisord has read it")
        assert said == ["stand-in order order-0"]


def test_given_servers_are_used_and_left_alone(home):
    with infrastructure_only() as given:
        options = a_stack(
            services=("order",), kafka=given.kafka.bootstrap, postgres=given.postgres.url
        )
        with running_stack(options, home=home) as running:
            assert running.stack.kafka.provider == running.stack.postgres.provider == "given"
            assert [each.name for each in report(home, running.stack).processes] == ["order-0"]
        eventually(lambda: postgres_problem(given.postgres.url) is None, "it answers")


def test_a_wipe_removes_what_we_made_and_nothing_else(home):
    mine = home.root / "notes.txt"
    mine.write_text("keep")
    with running_stack(a_stack(services=()), home=home):
        pass
    stop(home, wipe=True)
    assert sorted(each.name for each in home.root.iterdir()) == ["lock", "notes.txt"]


def test_infrastructure_alone_leaves_no_folder():
    with infrastructure_only() as infrastructure:
        root = infrastructure.home.root
        assert infrastructure.pid("kafka") > 0
        assert root.is_dir()
    assert not root.exists()


def test_a_container_is_run_in_the_foreground_and_removed(home, tmp_path, monkeypatch):
    """No engine here: what is tested is what Docker is asked to do, and when."""
    asked = tmp_path / "asked"
    docker = tmp_path / "docker"
    docker.write_text(
        f'#!/bin/sh\necho "$*" >> {asked}\n'
        'case "$1" in image) exit 1 ;; run) echo "no engine"; exit 125 ;; esac\n'
    )
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    name = f"bandstand-{home.identity}-kafka"
    heard = Heard()
    with (
        pytest.raises(NotReadyError, match="kafka has died"),
        running_stack(a_stack(kafka="docker"), heard, home),
    ):
        pytest.fail("this Docker starts nothing")
    assert "kafka | no engine" in heard.lines
    calls = asked.read_text().splitlines()
    assert calls.index("info") < calls.index("pull apache/kafka:4.4.0")
    assert any(call.startswith(f"run --rm --init --name {name}") for call in calls)
    assert calls[-1] == f"rm --force {name}"
    stop(home, wipe=True)
    assert asked.read_text().splitlines()[-1] == f"volume rm --force {name}"


def test_a_deep_folder_with_odd_names_will_do(home):
    deep = Home(home.root / "100% odd & long" / ("deep" * 20))
    deep.root.parent.mkdir(mode=0o711)
    with running_stack(a_stack(services=("order",)), home=deep) as running:
        assert report(deep, running.stack).processes
    assert processes_of(deep) == []
    assert not deep.supervisor_socket.exists()
