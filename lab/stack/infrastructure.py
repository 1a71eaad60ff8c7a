"""Kafka and PostgreSQL, chosen and prepared, but not started yet."""

from dataclasses import dataclass, replace
from pathlib import Path

from lab.stack import docker, zipkin
from lab.stack import ports as known
from lab.stack.choose import GIVEN, Choice, Found, check_origin, choose_kafka, choose_postgres
from lab.stack.discover import discover
from lab.stack.home import Home, cache_folder
from lab.stack.kafka import docker as kafka_docker
from lab.stack.kafka import maven
from lab.stack.kafka.settings import VERSION, BrokerPorts
from lab.stack.options import StackOptions
from lab.stack.ports import LOOPBACK, Ports
from lab.stack.postgres import docker as postgres_docker
from lab.stack.postgres import server
from lab.stack.postgres.binaries import Binaries
from lab.stack.postgres.settings import database_url
from lab.stack.progress import Progress
from lab.stack.state import DataOrigin, Detour, Kafka, Postgres, load_origin, save_origin
from lab.stack.supervisor import Program


@dataclass(frozen=True)
class Infrastructure:
    """`programs` are those we have to run; a given server is somebody else's to run. `traces` is
    the URL of the page that shows them, if there is one."""

    kafka: Kafka
    postgres: Postgres
    programs: list[Program]
    traces: str | None = None


@dataclass(frozen=True)
class Preparation:
    """What every step of the preparation needs to know."""

    home: Home
    cache: Path
    found: Found
    ports: Ports
    known_ports: bool
    progress: Progress

    def port(self, preferred: int) -> int:
        return self.ports.take(preferred if self.known_ports else None)


def prepare(home: Home, options: StackOptions, ports: Ports, progress: Progress) -> Infrastructure:
    """Nothing of this stack may be running. What was begun and not finished is not there."""
    cache = cache_folder()
    origin = load_origin(home)
    wants = [options.kafka, options.postgres, *((origin.kafka, origin.postgres) if origin else ())]
    found = discover(cache, docker_wanted="docker" in wants)
    kafka = choose_kafka(options.kafka, origin, found)
    postgres = choose_postgres(options.postgres, origin, found)
    now = DataOrigin(kafka=kafka.provider, postgres=_written_by(postgres, found))
    check_origin(origin, now)
    here = Preparation(home, cache, found, ports, options.known_ports, progress)
    save_origin(home, now)
    servers = _merge(_prepare_kafka(here, kafka), _prepare_postgres(here, postgres))
    return _with_traces(here, servers) if options.traces else servers


def forget(home: Home, *, data: bool) -> None:
    """What processes alone do not cover: containers, and with `data` everything on disk."""
    origin = load_origin(home)
    if origin and origin.kafka == "docker":
        docker.remove(home, "kafka", data=data)
    if origin and origin.postgres == "docker":
        docker.remove(home, "postgres", data=data)
    if data:
        home.wipe()


def _merge(
    kafka: tuple[Kafka, Program | None], postgres: tuple[Postgres, Program | None]
) -> Infrastructure:
    programs = [program for program in (kafka[1], postgres[1]) if program]
    return Infrastructure(kafka[0], postgres[0], programs)


def _with_traces(here: Preparation, servers: Infrastructure) -> Infrastructure:
    here.progress.waiting("preparing Zipkin")
    tools = zipkin.Tools(here.found.java, here.found.mvn)
    port = here.port(known.ZIPKIN)
    program = zipkin.prepare(here.home, here.cache, tools, port, here.progress)
    if program is None:
        return servers
    url = f"http://{LOOPBACK}:{port}"
    return replace(servers, programs=[*servers.programs, program], traces=url)


def _prepare_kafka(here: Preparation, choice: Choice) -> tuple[Kafka, Program | None]:
    if choice.provider == GIVEN:
        here.progress.say(f"Kafka: given, {choice.address}")
        return Kafka(bootstrap=str(choice.address), provider=GIVEN), None
    ports = BrokerPorts(
        here.port(known.KAFKA), here.port(known.KAFKA_CONTROLLER), _detour(here, choice)
    )
    program = _kafka_program(here, choice, ports)
    return Kafka(f"{LOOPBACK}:{ports.broker}", choice.provider, ports.detour), program


def _detour(here: Preparation, choice: Choice) -> Detour | None:
    """A container publishes one port and no more."""
    if choice.provider == "docker":
        return None
    return Detour(here.port(known.KAFKA_DETOUR), here.port(known.KAFKA_BEHIND_DETOUR))


def _kafka_program(here: Preparation, choice: Choice, ports: BrokerPorts) -> Program:
    java = here.found.java
    if choice.provider == "docker" or java is None:
        here.progress.say(f"Kafka: Docker, {kafka_docker.IMAGE}")
        docker.pull(here.home, kafka_docker.IMAGE, here.progress)
        return kafka_docker.prepare(here.home, ports)
    here.progress.say(f"Kafka: {VERSION} from Maven, run by Java {java.major}")
    maven.fetch(here.home, here.cache, here.found.mvn, java, here.progress)
    here.progress.waiting("preparing Kafka")
    return maven.prepare(here.home, here.cache, java, ports)


def _prepare_postgres(here: Preparation, choice: Choice) -> tuple[Postgres, Program | None]:
    if choice.provider == GIVEN:
        here.progress.say("PostgreSQL: given")
        return Postgres(url=str(choice.address), provider=GIVEN), None
    port = here.port(known.POSTGRES)
    program = _postgres_program(here, choice, port)
    url = database_url(port, server.password(here.home))
    return Postgres(url=url, provider=choice.provider), program


def _postgres_program(here: Preparation, choice: Choice, port: int) -> Program:
    here.progress.waiting("preparing PostgreSQL")
    binaries = _binaries(choice, here.found)
    if binaries is None:
        here.progress.say(f"PostgreSQL: Docker, {postgres_docker.IMAGE}")
        docker.pull(here.home, postgres_docker.IMAGE, here.progress)
        return postgres_docker.prepare(here.home, port, server.password(here.home))
    origin = "from the Python wheel" if choice.provider == "wheel" else "of this system"
    here.progress.say(f"PostgreSQL: {binaries.version} {origin}")
    return server.prepare(here.home, binaries, port)


def _written_by(choice: Choice, found: Found) -> str:
    """A data folder belongs to one major version."""
    binaries = _binaries(choice, found)
    return f"{choice.provider} {binaries.major}" if binaries else choice.provider


def _binaries(choice: Choice, found: Found) -> Binaries | None:
    return {"wheel": found.wheel, "system": found.system}.get(choice.provider)
