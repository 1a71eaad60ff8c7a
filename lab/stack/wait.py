"""Waits until everything answers, and says for whom and why."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import httpx

from lab.errors import NotReadyError
from lab.stack import supervisor
from lab.stack.home import Home
from lab.stack.infrastructure import Infrastructure
from lab.stack.logfiles import last_lines
from lab.stack.progress import Progress
from lab.stack.ready import kafka_problem, postgres_problem, service_problem
from lab.stack.state import Service

EVERY = 0.1
GIVES_UP_AFTER_RESTARTS = 5
LINES_SHOWN = 15
COLUMNS_SHOWN = 300


@dataclass(frozen=True)
class Awaited:
    name: str
    problem: Callable[[], str | None]


def awaited(
    infrastructure: Infrastructure, services: dict[str, Service], client: httpx.Client
) -> Iterator[Awaited]:
    yield Awaited("kafka", partial(kafka_problem, infrastructure.kafka.bootstrap))
    yield Awaited("postgres", partial(postgres_problem, infrastructure.postgres.url))
    for service in services.values():
        for instance in service.instances:
            yield Awaited(instance.name, partial(service_problem, client, instance.url))


def wait_until_ready(
    home: Home,
    infrastructure: Infrastructure,
    services: dict[str, Service],
    timeout: timedelta,
    progress: Progress,
) -> None:
    deadline = time.monotonic() + timeout.total_seconds()
    with httpx.Client(trust_env=False) as client:
        pending = list(awaited(infrastructure, services, client))
        while problems := _problems(pending):
            pending = [each for each in pending if each.name in problems]
            name, problem = next(iter(problems.items()))
            others = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
            progress.waiting(f"waiting for {name}{others}: {problem}")
            _give_up_on_a_dying_one(home, problems, progress)
            if time.monotonic() > deadline:
                seconds = f"{timeout.total_seconds():.0f} s"
                _give_up(home, name, f"not ready after {seconds}: {problem}", progress)
            time.sleep(EVERY)


def _problems(pending: list[Awaited]) -> dict[str, str]:
    answers = {each.name: each.problem() for each in pending}
    return {name: problem for name, problem in answers.items() if problem}


def _give_up_on_a_dying_one(home: Home, problems: dict[str, str], progress: Progress) -> None:
    try:
        listed = supervisor.processes(home)
    except OSError:
        return  # it has not opened its socket yet; if it never does, the deadline tells
    for process in listed:
        if process.name in problems and process.restarts >= GIVES_UP_AFTER_RESTARTS:
            _give_up(home, process.name, f"has died {process.restarts} times", progress)


def _give_up(home: Home, name: str, why: str, progress: Progress) -> None:
    for line in last_lines(home, name, LINES_SHOWN):
        progress.say(f"{name} | {line[:COLUMNS_SHOWN]}")
    raise NotReadyError(f"{name} {why}")
