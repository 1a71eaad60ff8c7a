"""What Kafka and PostgreSQL are started with."""

import xml.etree.ElementTree as ElementTree

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
from lab.stack.postgres.settings import server_settings

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
