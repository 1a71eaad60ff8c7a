"""Looks at the machine, for `choose` to decide."""

from pathlib import Path

from lab.stack.choose import Found
from lab.stack.docker import engine_answers
from lab.stack.java import find_java
from lab.stack.kafka.maven import libraries
from lab.stack.postgres.binaries import find_system, find_wheel, server_user
from lab.stack.tools import which


def discover(cache: Path, *, docker_wanted: bool) -> Found:
    user = server_user()
    java, mvn, cached = find_java(), which("mvn"), libraries(cache).is_dir()
    wheel, system = find_wheel(user), find_system(user)
    enough = java and (mvn or cached) and (wheel or system)
    return Found(
        java=java,
        mvn=mvn,
        kafka_cached=cached,
        # Asking an engine that hangs takes seconds: only when its answer matters.
        docker=(docker_wanted or not enough) and engine_answers(which("docker")),
        wheel=wheel,
        system=system,
    )
