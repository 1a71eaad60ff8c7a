"""A PostgreSQL server from binaries on this machine, as a supervised process."""

import os
import pwd
import secrets
import shutil
import subprocess
from pathlib import Path

from lab.errors import MissingError
from lab.stack.home import LONGEST_SOCKET_PATH, Home
from lab.stack.ports import LOOPBACK
from lab.stack.postgres.binaries import Binaries, server_user
from lab.stack.postgres.settings import (
    DATABASE,
    STATISTICS,
    USER,
    as_arguments,
    server_settings,
)
from lab.stack.supervisor import INFRASTRUCTURE, Program
from lab.stack.tools import identity, run_tool


def prepare(home: Home, binaries: Binaries, port: int) -> Program:
    """Nothing of ours is running now: a lock file that is still there was left by a killed
    server, and its process id may by now be anybody's."""
    _make_folder(home)
    data = home.postgres / "data"
    if not data.is_dir():
        _create(home, binaries, data)
    for stale in [data / "postmaster.pid", *home.postgres.glob(".s.PGSQL.*")]:
        stale.unlink(missing_ok=True)
    settings = server_settings(
        port,
        listen=LOOPBACK,
        sockets=_sockets(home),
        statistics=binaries.has_extension(STATISTICS),
    )
    return Program(
        name="postgres",
        command=[str(binaries.folder / "postgres"), "-D", str(data), *as_arguments(settings)],
        group=INFRASTRUCTURE,
        port=port,
        user=server_user(),
        stop_signal="INT",
    )


def password(home: Home) -> str:
    """As old as the data, since it is written in there; so it lies beside it and is kept."""
    if not home.postgres_password.is_file():
        home.postgres_password.touch(mode=0o600)
        home.postgres_password.write_text(secrets.token_urlsafe(24))
    return home.postgres_password.read_text()


def _make_folder(home: Home) -> None:
    home.postgres.mkdir(mode=0o700, exist_ok=True)
    user = server_user()
    if user is None:
        return
    account = pwd.getpwnam(user)
    os.chown(home.postgres, account.pw_uid, account.pw_gid)
    reachable = subprocess.run(  # noqa: S603
        ["/bin/sh", "-c", 'test -w "$0"', str(home.postgres)], check=False, **identity(user)
    )
    if reachable.returncode != 0:
        raise MissingError(
            f"PostgreSQL has to run as user {user}, who cannot reach {home.root}; "
            "set BANDSTAND_HOME to a folder below ones that everybody may pass"
        )


def _create(home: Home, binaries: Binaries, data: Path) -> None:
    """The database is made before the folder gets its name, so a data folder is complete."""
    unfinished = home.postgres / "unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    user = server_user()
    secret = _readable_password(home, user)
    encoding = ["--encoding=UTF8", "--locale=C", "--no-instructions"]
    login = ["-U", USER, f"--pwfile={secret}", "--auth=scram-sha-256"]
    initdb = str(binaries.folder / "initdb")
    postgres = str(binaries.folder / "postgres")
    try:
        run_tool(home, [initdb, "-D", str(unfinished), *encoding, *login], user=user)
        single = [postgres, "--single", "-D", str(unfinished), "postgres"]
        run_tool(home, single, user=user, stdin=f"CREATE DATABASE {DATABASE}\n")
    finally:
        secret.unlink(missing_ok=True)
    unfinished.rename(data)


def _readable_password(home: Home, user: str | None) -> Path:
    """A copy for initdb, which runs as `user`; removed as soon as it has read it."""
    file = home.postgres / "password"
    file.unlink(missing_ok=True)
    file.touch(mode=0o600)
    file.write_text(password(home))
    if user:
        shutil.chown(file, user)
    return file


def _sockets(home: Home) -> str:
    longest = home.postgres / ".s.PGSQL.65535.lock"
    return str(home.postgres) if len(str(longest)) <= LONGEST_SOCKET_PATH else ""
