"""Prometheus and promtool, to try rules and queries with: those of this machine, else Debian's
package, unpacked into the cache and not installed.

What is in the cache is complete: it is unpacked under another name and renamed.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from lab.errors import MissingError
from lab.stack.home import cache_folder, locked_file
from lab.stack.tools import which

PATIENCE_SECONDS = 300.0
PROGRAMS = ("prometheus", "promtool")
NEEDS = (
    "Prometheus and promtool are not on PATH, and Debian's package cannot be had here; "
    "install Prometheus (Debian: apt-get install prometheus; macOS: brew install prometheus)"
)


@dataclass(frozen=True)
class Prometheus:
    server: Path
    promtool: Path


def installed_prometheus(cache: Path | None = None) -> Prometheus | None:
    """What is here already; nothing is downloaded."""
    server, promtool = (which(program) for program in PROGRAMS)
    if server and promtool:
        return Prometheus(server, promtool)
    unpacked = (cache or cache_folder()) / "prometheus"
    return _in(unpacked) if unpacked.is_dir() else None


def find_prometheus(
    cache: Path | None = None, within_seconds: float = PATIENCE_SECONDS
) -> Prometheus:
    """Downloads once; MissingError where there is nothing to download from, or only slowly."""
    cache = cache or cache_folder()
    cache.mkdir(parents=True, exist_ok=True)
    with locked_file(cache / "prometheus.lock", lambda: None):
        if found := installed_prometheus(cache):
            return found
        _unpack(cache, cache / "prometheus", time.monotonic() + within_seconds)
    return _in(cache / "prometheus")


def _in(unpacked: Path) -> Prometheus:
    server, promtool = (unpacked / "usr" / "bin" / program for program in PROGRAMS)
    return Prometheus(server, promtool)


def _unpack(cache: Path, unpacked: Path, deadline: float) -> None:
    if not (which("apt-get") and which("dpkg-deb")):
        raise MissingError(NEEDS)
    folder = Path(tempfile.mkdtemp(prefix="unfinished-prometheus-", dir=cache))
    try:
        _run(["apt-get", "--quiet", "download", "prometheus"], folder, deadline)
        package = next(folder.glob("prometheus_*.deb"))
        _run(["dpkg-deb", "--extract", package.name, "package"], folder, deadline)
        (folder / "package").rename(unpacked)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(command: list[str], folder: Path, deadline: float) -> None:
    left = max(deadline - time.monotonic(), 0)
    try:
        subprocess.run(  # noqa: S603 - our own command lines
            command, cwd=folder, check=True, capture_output=True, text=True, timeout=left
        )
    except subprocess.CalledProcessError as error:
        raise MissingError(f"{NEEDS} ({error.stderr.strip()[-200:]})") from error
    except subprocess.TimeoutExpired as error:
        raise MissingError(f"{NEEDS} ({command[0]} takes too long)") from error
