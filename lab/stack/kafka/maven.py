"""Kafka from Maven's artifacts: downloaded once into the cache, run by Java.

What is in the cache is complete: it is made under another name next to its place and renamed.
"""

import contextlib
import hashlib
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lab.stack.home import Home, locked_file
from lab.stack.interrupts import interrupts_held
from lab.stack.java import Java
from lab.stack.kafka.settings import (
    VERSION,
    BrokerPorts,
    broker_settings,
    new_cluster_id,
    render_properties,
)
from lab.stack.ports import Ports
from lab.stack.progress import Progress
from lab.stack.ready import kafka_problem
from lab.stack.supervisor import INFRASTRUCTURE, Program
from lab.stack.tools import end_tool, run_tool, start_tool

POM = Path(__file__).with_name("pom.xml")
MEMORY = ("-Xms256m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
REHEARSAL_SECONDS = 60.0


def libraries(cache: Path) -> Path:
    """A changed pom is another folder, so that an old download never serves a new version."""
    digest = hashlib.sha256(POM.read_bytes()).hexdigest()[:12]
    return cache / f"kafka-{VERSION}-{digest}"


def fetch(home: Home, cache: Path, mvn: Path | None, java: Java, progress: Progress) -> None:
    """Downloads and archives what is missing; two that try at once do it one after the other."""
    cache.mkdir(parents=True, exist_ok=True)
    waiting = "another bandstand is downloading Kafka; waiting for it"
    with locked_file(cache / "lock", lambda: progress.say(waiting)):
        if not libraries(cache).is_dir() and mvn:
            progress.say(f"downloading Kafka {VERSION} with Maven, once (43 MB)")
            _download(home, cache, mvn)
        if not archive(cache, java).is_file():
            progress.say("rehearsing Kafka's start, once, so that later ones take a second")
            _rehearse(home, cache, java)


def archive(cache: Path, java: Java) -> Path:
    digest = hashlib.sha256(f"{java.path}{java.version}".encode()).hexdigest()[:12]
    return libraries(cache).with_name(f"{libraries(cache).name}-{digest}.jsa")


def prepare(home: Home, cache: Path, java: Java, ports: BrokerPorts) -> Program:
    """Writes the settings and, in an empty folder, formats the log. Formatting is done under
    another name, because half a format cannot be told from a whole one."""
    home.kafka.mkdir(exist_ok=True)
    data = home.kafka / "data"
    if not data.is_dir():
        _format(home, cache, java, ports, data)
    properties = _write_settings(home.kafka, ports, data)
    command = _java(java, cache, f"-XX:SharedArchiveFile={archive(cache, java)}")
    return Program(
        name="kafka",
        command=[*command, "kafka.Kafka", str(properties)],
        group=INFRASTRUCTURE,
        port=ports.broker,
    )


def _download(home: Home, cache: Path, mvn: Path) -> None:
    with _unfinished(cache) as folder:
        goal = "dependency:copy-dependencies"
        output = f"-DoutputDirectory={folder}"
        run_tool(home, [mvn, "-q", "-B", "-ntp", "-f", POM, goal, output], cwd=folder)
        folder.chmod(0o755)
        folder.rename(libraries(cache))


def _rehearse(home: Home, cache: Path, java: Java) -> None:
    """Runs a broker on scratch data and keeps the classes it loaded (AppCDS). A Java that
    cannot do this leaves no archive, starts slower and is asked again the next time."""
    with _unfinished(cache) as folder:
        ports = Ports()
        broker_ports = BrokerPorts(ports.take(), ports.take())
        _format(home, cache, java, broker_ports, folder / "data")
        properties = _write_settings(folder, broker_ports, folder / "data")
        made = folder / "classes.jsa"
        command = _java(java, cache, f"-XX:ArchiveClassesAtExit={made}")
        _play(home, [*command, "kafka.Kafka", str(properties)], broker_ports.broker)
        if made.is_file():
            made.rename(archive(cache, java))


def _play(home: Home, command: list[str], port: int) -> None:
    with interrupts_held():
        broker = start_tool(home, command)
    try:
        deadline = time.monotonic() + REHEARSAL_SECONDS
        while kafka_problem(f"127.0.0.1:{port}") and time.monotonic() < deadline:
            time.sleep(0.1)
        broker.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            broker.communicate(timeout=REHEARSAL_SECONDS)
    finally:
        with interrupts_held():
            end_tool(broker)


def _format(home: Home, cache: Path, java: Java, ports: BrokerPorts, data: Path) -> None:
    with _unfinished(data.parent) as folder:
        properties = _write_settings(folder, ports, folder / "data")
        tool = [*_java(java, cache), "kafka.tools.StorageTool", "format"]
        run_tool(home, [*tool, "-t", new_cluster_id(), "-c", properties])
        (folder / "data").rename(data)


def _write_settings(folder: Path, ports: BrokerPorts, data: Path) -> Path:
    properties = folder / "server.properties"
    properties.write_text(render_properties(broker_settings(ports, data)))
    return properties


def _java(java: Java, cache: Path, *options: str) -> list[str]:
    jars = f"{libraries(cache)}/*"
    return [str(java.path), *MEMORY, *options, "-Dlog4j2.level=WARN", "-cp", jars]


@contextmanager
def _unfinished(parent: Path) -> Iterator[Path]:
    """A folder for work in progress, gone afterwards whatever happens; what an earlier, killed
    run has left goes with it. Its user holds a lock, so nobody else's can be there."""
    for left_over in parent.glob("unfinished-*"):
        shutil.rmtree(left_over, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix="unfinished-", dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
