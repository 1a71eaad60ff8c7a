"""A Java that can run Kafka."""

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lab.stack.tools import which

OLDEST = 17


@dataclass(frozen=True)
class Java:
    """`version` is its whole answer: an archive of classes fits exactly one build."""

    path: Path
    version: str

    @property
    def major(self) -> int:
        found = re.search(r'version "(?:1\.)?(\d+)', self.version)
        return int(found.group(1)) if found else 0


def find_java(environment: Mapping[str, str] = os.environ) -> Java | None:
    """JAVA_HOME is somebody's decision and goes before PATH."""
    home = environment.get("JAVA_HOME")
    candidates = [Path(home, "bin", "java") if home else None, which("java")]
    for path in candidates:
        java = _ask(path) if path else None
        if java and java.major >= OLDEST:
            return java
    return None


def _ask(path: Path) -> Java | None:
    try:
        answer = subprocess.run(  # noqa: S603 - found on PATH or named by the user
            [path, "-version"], capture_output=True, text=True, timeout=20, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return Java(path, answer.stderr)
