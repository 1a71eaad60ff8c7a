"""Zipkin, the page for traces: its jar from Maven, downloaded once, run by Java.

It keeps traces in memory and is nobody's dependency. Where it cannot be had, a stack goes without.
"""

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from lab.stack.home import Home, locked_file
from lab.stack.java import Java
from lab.stack.ports import LOOPBACK
from lab.stack.progress import Progress
from lab.stack.supervisor import INFRASTRUCTURE, Program
from lab.stack.tools import ToolError, run_tool

NAME = "zipkin"
VERSION = "3.6.1"
ARTIFACT = f"io.zipkin:zipkin-server:{VERSION}:jar:exec"
MEMORY = ("-Xms32m", "-Xmx160m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
MOST_SPANS = "100000"
WITHOUT = "a stack without traces' page: Zipkin needs Java 17 or newer, and Maven to download it"


@dataclass(frozen=True)
class Tools:
    java: Java | None
    mvn: Path | None


def jar(cache: Path) -> Path:
    return cache / f"zipkin-server-{VERSION}-exec.jar"


def prepare(home: Home, cache: Path, tools: Tools, port: int, progress: Progress) -> Program | None:
    """None, and why is said, where it cannot be had."""
    if tools.java is None or not (tools.mvn or jar(cache).is_file()):
        progress.say(WITHOUT)
        return None
    try:
        _fetch(home, cache, tools.mvn, progress)
    except ToolError as problem:
        progress.say(f"a stack without traces' page: {problem}")
        return None
    progress.say(f"Zipkin: {VERSION} from Maven, run by Java {tools.java.major}")
    return _program(cache, tools.java, port)


def spans_url(url: str) -> str:
    return f"{url}/api/v2/spans"


def _fetch(home: Home, cache: Path, mvn: Path | None, progress: Progress) -> None:
    """What is in the cache is complete: it is downloaded next to its place and renamed."""
    cache.mkdir(parents=True, exist_ok=True)
    waiting = "another bandstand is downloading Zipkin; waiting for it"
    with locked_file(cache / "zipkin.lock", lambda: progress.say(waiting)):
        if jar(cache).is_file() or mvn is None:
            return
        progress.say(f"downloading Zipkin {VERSION} with Maven, once (135 MB); or --no-traces")
        folder = Path(tempfile.mkdtemp(prefix="unfinished-zipkin-", dir=cache))
        try:
            wanted = (f"-Dartifact={ARTIFACT}", f"-DoutputDirectory={folder}")
            run_tool(home, [mvn, "-q", "-B", "-ntp", "dependency:copy", *wanted], cwd=folder)
            (folder / jar(cache).name).rename(jar(cache))
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _program(cache: Path, java: Java, port: int) -> Program:
    """It takes another port than it is told unless it is told all three."""
    listen = {"ip": LOOPBACK, "port": port, "protocols[0]": "http"}
    where = [f"--armeria.ports[0].{what}={value}" for what, value in listen.items()]
    return Program(
        name=NAME,
        command=[
            *(str(java.path), *MEMORY, "-jar", str(jar(cache)), *where),
            f"--zipkin.storage.mem.max-spans={MOST_SPANS}",
            "--logging.level.root=WARN",
        ],
        group=INFRASTRUCTURE,
        port=port,
    )
