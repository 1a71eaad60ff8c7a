"""The state folder: everything a stack leaves on disk, and nothing outside it but the cache."""

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab.errors import BandstandError

LONGEST_SOCKET_PATH = 100  # the kernel's limit is 108, macOS's 104


@dataclass(frozen=True)
class Home:
    """`root` is resolved, because it is the mark by which a stack's processes are recognised."""

    root: Path

    @property
    def stack_file(self) -> Path:
        return self.root / "stack.json"

    @property
    def data_file(self) -> Path:
        return self.root / "data.json"

    @property
    def lock_file(self) -> Path:
        return self.root / "lock"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def kafka(self) -> Path:
        return self.root / "kafka"

    @property
    def postgres(self) -> Path:
        return self.root / "postgres"

    @property
    def spans(self) -> Path:
        """What services had not exported yet when they were killed."""
        return self.root / "spans"

    @property
    def postgres_password(self) -> Path:
        return self.root / "postgres.password"

    @property
    def supervisor_config(self) -> Path:
        return self.root / "supervisord.conf"

    @property
    def identity(self) -> str:
        """Names things outside the folder that belong to it: containers, volumes, sockets."""
        return hashlib.sha256(str(self.root).encode()).hexdigest()[:12]

    @property
    def supervisor_socket(self) -> Path:
        inside = self.root / "supervisord.sock"
        if len(str(inside)) <= LONGEST_SOCKET_PATH:
            return inside
        return Path(tempfile.gettempdir()) / f"bandstand-{self.identity}.sock"

    def make(self) -> None:
        """Others may pass through (PostgreSQL runs as another user when we are root), not look."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            if self.root.stat().st_uid != os.geteuid():
                raise BandstandError(f"the state folder {self.root} belongs to somebody else")
            self.root.chmod(0o711 if os.geteuid() == 0 else 0o700)
            self.logs.mkdir(exist_ok=True)
        except OSError as problem:
            raise BandstandError(f"the state folder cannot be used: {problem}") from problem

    def wipe(self) -> None:
        """Only what we made, by name: the folder may be one the user also keeps other things in."""
        for folder in (self.kafka, self.postgres, self.logs, self.spans):
            shutil.rmtree(folder, ignore_errors=True)
        for file in (self.stack_file, self.data_file, self.postgres_password):
            file.unlink(missing_ok=True)
        for file in self.root.glob("supervisord.*"):
            file.unlink(missing_ok=True)

    @contextmanager
    def locked(self, on_wait: Callable[[], None]) -> Iterator[None]:
        """One `up` or `down` at a time; the kernel lets go when its holder dies, however."""
        with locked_file(self.lock_file, on_wait):
            yield


@contextmanager
def locked_file(path: Path, on_wait: Callable[[], None]) -> Iterator[None]:
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            on_wait()
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def default_home(environment: Mapping[str, str] = os.environ) -> Home:
    """As root not below root's own home, which PostgreSQL's user cannot reach."""
    if given := environment.get("BANDSTAND_HOME"):
        return Home(Path(given).expanduser().resolve())
    if os.geteuid() == 0:
        return Home(Path("/var/tmp/bandstand"))  # noqa: S108 - owner is checked before use
    state = environment.get("XDG_STATE_HOME") or "~/.local/state"
    return Home((Path(state).expanduser() / "bandstand").resolve())


def cache_folder(environment: Mapping[str, str] = os.environ) -> Path:
    if given := environment.get("BANDSTAND_CACHE"):
        return Path(given).expanduser().resolve()
    cache = environment.get("XDG_CACHE_HOME") or "~/.cache"
    return (Path(cache).expanduser() / "bandstand").resolve()
