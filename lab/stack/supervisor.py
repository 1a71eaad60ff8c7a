"""supervisord: its configuration, its start and what it tells about its processes."""

import configparser
import contextlib
import http.client
import io
import os
import pwd
import shlex
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import msgspec
from supervisor.xmlrpc import SupervisorTransport

from lab.errors import NotReadyError
from lab.stack.home import Home
from lab.stack.processes import marked_environment

INFRASTRUCTURE = "infrastructure"
SERVICES = "services"
STOPS_WITHIN = 25.0
RUNS_WITHIN = 60.0
PRIORITY = {INFRASTRUCTURE: 1, SERVICES: 2}  # stopped in reverse: services first


@dataclass(frozen=True)
class Program:
    """One supervised process."""

    name: str
    command: Sequence[str]
    group: str
    port: int
    environment: Mapping[str, str] = field(default_factory=dict)
    user: str | None = None
    stop_signal: str = "TERM"
    stop_seconds: int = 15


class ProcessInfo(msgspec.Struct, frozen=True):
    name: str
    state: str
    pid: int
    restarts: int
    uptime_seconds: float


def render(home: Home, programs: Sequence[Program]) -> str:
    """Every program is restarted whenever it ends: `startsecs=0` means that none is given up.
    Log files are named relative to the folder supervisord runs in; it would expand a `%` in
    their path twice."""
    config = configparser.RawConfigParser()
    config.read_dict(_supervisor_sections(home))
    for group in PRIORITY:
        names = [program.name for program in programs if program.group == group]
        if names:
            config[f"group:{group}"] = {
                "programs": ",".join(names),
                "priority": str(PRIORITY[group]),
            }
    for program in programs:
        config[f"program:{program.name}"] = _program_section(program)
    text = io.StringIO()
    config.write(text)
    return text.getvalue()


def _supervisor_sections(home: Home) -> dict[str, dict[str, str]]:
    factory = "supervisor.rpcinterface_factory"
    return {
        "unix_http_server": {"file": _escaped(home.supervisor_socket), "chmod": "0700"},
        "supervisord": {
            "user": pwd.getpwuid(os.geteuid()).pw_name,
            "nodaemon": "true",
            "silent": "true",
            "logfile": "supervisord.log",
            "logfile_maxbytes": "5MB",
            "logfile_backups": "1",
            "pidfile": _escaped(home.root / "supervisord.pid"),
        },
        "rpcinterface:supervisor": {factory: "supervisor.rpcinterface:make_main_rpcinterface"},
        "rpcinterface:restarts": {factory: "lab.stack.restarts:make_restarts_interface"},
    }


def _program_section(program: Program) -> dict[str, str]:
    section = {
        "command": _escaped(shlex.join(program.command)),
        "directory": "/",
        "autorestart": "true",
        "startsecs": "0",
        "stopsignal": program.stop_signal,
        "stopwaitsecs": str(program.stop_seconds),
        "stopasgroup": "false",
        "killasgroup": "true",
        "redirect_stderr": "true",
        "stdout_logfile": f"{program.name}.log",
        "stdout_logfile_maxbytes": "10MB",
        "stdout_logfile_backups": "2",
    }
    if program.environment:
        section["environment"] = _environment(program.environment)
    if program.user:
        section["user"] = program.user
    return section


def _environment(variables: Mapping[str, str]) -> str:
    """supervisor's quoting has no escape for quotes; as all values are URLs or plain words,
    percent-encoding does it."""
    return ",".join(
        f'{name}="{_escaped(value.replace(chr(34), "%22").replace(chr(39), "%27"))}"'
        for name, value in variables.items()
    )


def _escaped(value: object) -> str:
    return str(value).replace("%", "%%")


def start(home: Home, programs: Sequence[Program]) -> int:
    """In a session of its own, so that Ctrl-C in the terminal reaches only the command line."""
    home.supervisor_config.unlink(missing_ok=True)
    home.supervisor_config.touch(mode=0o600)
    home.supervisor_config.write_text(render(home, programs))
    with (home.logs / "supervisord.out").open("ab") as output:
        process = subprocess.Popen(  # noqa: S603 - our own command line
            [sys.executable, "-m", "supervisor.supervisord", "-c", str(home.supervisor_config)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=marked_environment(home),
            start_new_session=True,
            cwd=home.logs,
        )
    return process.pid


def processes(home: Home) -> list[ProcessInfo]:
    """OSError when no supervisor answers."""
    with _client(home) as client:
        starts = cast(dict[str, int], client.restarts.count())
        listed = cast(list[dict[str, Any]], client.supervisor.getAllProcessInfo())
    return [_info(each, starts) for each in listed]


def running(home: Home, name: str) -> ProcessInfo:
    """Waited for while it is being restarted: its pid is 0 until then, and a signal to that would
    go to the sender and its whole group."""
    deadline = time.monotonic() + RUNS_WITHIN
    while True:
        (found,) = (each for each in processes(home) if each.name == name)
        if found.pid:
            return found
        if time.monotonic() > deadline:
            raise NotReadyError(f"{name} does not run")
        time.sleep(0.05)


def stop_service(home: Home, name: str) -> None:
    """It stays stopped until `start_service`; returns when it has ended."""
    with _client(home) as client:
        client.supervisor.stopProcess(f"{SERVICES}:{name}")


def start_service(home: Home, name: str) -> None:
    with _client(home) as client:
        client.supervisor.startProcess(f"{SERVICES}:{name}")


def shut_down(home: Home) -> None:
    """Stops everything in order. supervisord looks around once a second or when it is spoken
    to, so it is spoken to until it is gone."""
    deadline = time.monotonic() + STOPS_WITHIN
    try:
        with _client(home) as client:
            client.supervisor.shutdown()
        while time.monotonic() < deadline:
            time.sleep(0.05)
            with contextlib.suppress(xmlrpc.client.Fault):
                processes(home)
    except (OSError, http.client.HTTPException):
        return


def _info(each: Mapping[str, Any], starts: Mapping[str, int]) -> ProcessInfo:
    running = each["pid"] != 0
    return ProcessInfo(
        name=each["name"],
        state=each["statename"].lower(),
        pid=each["pid"],
        restarts=starts.get(each["name"], 0),
        uptime_seconds=float(each["now"] - each["start"]) if running else 0.0,
    )


def _client(home: Home) -> xmlrpc.client.ServerProxy:
    transport = SupervisorTransport(serverurl=f"unix://{home.supervisor_socket}")
    return xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport)
