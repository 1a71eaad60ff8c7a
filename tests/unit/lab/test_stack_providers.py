"""What Kafka and PostgreSQL are started with."""

import os
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from lab.stack.home import Home
from lab.stack.kafka import docker as kafka_docker
from lab.stack.kafka.maven import POM, libraries
from lab.stack.kafka.settings import (
    VERSION,
    BrokerPorts,
    broker_settings,
    new_cluster_id,
    render_properties,
)
from lab.stack.postgres import docker as postgres_docker
from lab.stack.postgres.binaries import Binaries, find_system, find_wheel, server_user
from lab.stack.postgres.settings import server_settings

ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
PORTS = BrokerPorts(broker=18092, controller=18093)


def test_the_broker_listens_on_the_loopback_interface_only(tmp_path):
    settings = broker_settings(PORTS, tmp_path)
    for listener in settings["listeners"].split(","):
        assert "://127.0.0.1:" in listener
    assert settings["auto.create.topics.enable"] == "false"


def test_properties_escape_what_java_would_unescape():
    assert render_properties({"log.dirs": "C:\\x"}) == "log.dirs=C:\\\\x\n"


def test_a_cluster_id_never_looks_like_an_option():
    assert not any(new_cluster_id().startswith("-") for _ in range(500))


def test_the_pom_names_no_address_and_the_version_we_say():
    namespace = {"m": "http://maven.apache.org/POM/4.0.0"}
    pom = ElementTree.parse(POM).getroot()
    assert pom.find("m:repositories", namespace) is None
    versions = {
        each.findtext("m:artifactId", namespaces=namespace): each.findtext(
            "m:version", namespaces=namespace
        )
        for each in pom.iterfind("m:dependencies/m:dependency", namespace)
    }
    assert versions["kafka_2.13"] == VERSION


def test_the_cache_is_keyed_by_what_was_resolved(tmp_path):
    assert libraries(tmp_path).name.startswith(f"kafka-{VERSION}-")


def test_postgres_is_durable_and_local():
    settings = server_settings(1, listen="127.0.0.1", statistics=True)
    assert settings["fsync"] == settings["synchronous_commit"] == "on"
    assert settings["listen_addresses"] == "127.0.0.1"
    assert settings["shared_preload_libraries"] == "pg_stat_statements"
    bare = server_settings(1, listen="127.0.0.1", statistics=False)
    assert bare["shared_preload_libraries"] == ""


def test_containers_publish_on_the_loopback_interface_only(tmp_path):
    home = Home(tmp_path)
    for program in (
        kafka_docker.prepare(home, PORTS),
        postgres_docker.prepare(home, 18032, "secret"),
    ):
        shell, option, script = program.command
        assert (shell, option) == ("/bin/sh", "-c")
        assert f"--publish 127.0.0.1:{program.port}:{program.port}" in script
        assert f"docker rm --force bandstand-{home.identity}-{program.name}" in script
        assert "; exec docker run --rm --init" in script


def test_the_image_gets_the_same_settings(tmp_path):
    script = kafka_docker.prepare(Home(tmp_path), PORTS).command[2]
    assert "KAFKA_AUTO_CREATE_TOPICS_ENABLE=false" in script
    assert "KAFKA_ADVERTISED_LISTENERS=BROKER://127.0.0.1:18092" in script


def test_the_newest_server_of_the_wheel_is_taken():
    wheel = find_wheel(user=None)
    assert wheel is not None
    assert wheel.major == 18


@pytest.fixture
def locked_in_server(tmp_path, monkeypatch):
    """A server below a folder that only its owner may enter."""
    for program in ("postgres", "initdb"):
        file = tmp_path / "private" / program
        file.parent.mkdir(mode=0o700, exist_ok=True)
        file.write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 99.1'\n")
        file.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'private'}:/usr/bin:/bin")
    return tmp_path / "private"


def test_a_server_on_the_path_is_found(locked_in_server):
    system = find_system(user=None)
    assert system is not None
    assert (system.folder, system.major) == (locked_in_server, 99)


@ROOT_ONLY
def test_a_server_that_its_user_cannot_reach_is_not_there(locked_in_server):
    system = find_system(server_user())
    assert system is None or system.folder != locked_in_server


@ROOT_ONLY
def test_root_runs_the_server_as_somebody_else():
    assert server_user() in ("postgres", "nobody")


def test_statistics_are_preloaded_only_where_they_exist(tmp_path):
    folder = tmp_path / "bin"
    assert not Binaries(folder, "18").has_extension("pg_stat_statements")
    library = Path(tmp_path, "lib", "postgresql", "pg_stat_statements.so")
    library.parent.mkdir(parents=True)
    library.touch()
    assert Binaries(folder, "18").has_extension("pg_stat_statements")
