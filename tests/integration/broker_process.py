"""A broker with settings of a test's own, beside the infrastructure's."""

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from lab.stack.home import cache_folder
from lab.stack.java import Java, find_java
from lab.stack.kafka.maven import MEMORY, libraries
from lab.stack.kafka.settings import new_cluster_id, render_properties
from lab.stack.ports import LOOPBACK, is_free
from tests.integration.waiting import eventually
from tests.tools import lacking


def java_with_kafka() -> Java:
    """The infrastructure's own broker has to have been started once, for its libraries."""
    java = find_java()
    if java is None or not libraries(cache_folder()).is_dir():
        lacking("a broker of a test's own takes Kafka's libraries and Java")
    return java


@contextmanager
def a_broker(
    java: Java, folder: Path, settings: Mapping[str, str], port: int, *formatting: str
) -> Iterator[str]:
    """Where it listens."""
    properties = folder / "server.properties"
    properties.write_text(render_properties(settings))
    jars = f"{libraries(cache_folder())}/*"
    kafka = [str(java.path), *MEMORY, "-Dlog4j2.level=WARN", "-cp", jars]
    tool = [*kafka, "kafka.tools.StorageTool", "format", "-t", new_cluster_id()]
    subprocess.run([*tool, "-c", properties, *formatting], check=True, capture_output=True)
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [*kafka, "kafka.Kafka", str(properties)], stdout=log, stderr=log, start_new_session=True
        )
    try:
        eventually(lambda: not is_free(port) or server.poll(), "it listens")
        assert server.poll() is None, (folder / "log").read_text()[-2_000:]
        yield f"{LOOPBACK}:{port}"
    finally:
        server.terminate()
        server.wait(timeout=30)
