"""The stack on this machine, as a target of commands."""

import os
import platform
from pathlib import Path

from lab.errors import MissingError
from lab.measure.processes import Seconds, cpu_seconds
from lab.measure.scrape import instances
from lab.report.model import Machine
from lab.stack.home import Home
from lab.stack.state import Stack
from lab.stack.supervisor import ProcessInfo, processes
from lab.stack.zipkin import NAME as ZIPKIN
from lab.target import KafkaAccess, Target


class StackTarget(Target):
    def __init__(self, stack: Stack) -> None:
        self.services = tuple(stack.services)
        self._stack = stack

    @property
    def token(self) -> str:
        return self._stack.token

    def url(self, service: str) -> str:
        return self._stack.services[service].url

    def instances(self, service: str) -> list[str]:
        return [instance.url for instance in self._stack.services[service].instances]

    def kafka(self) -> KafkaAccess:
        return KafkaAccess(self._stack.kafka.bootstrap)

    def postgres(self) -> str:
        return self._stack.postgres.url

    def traces(self) -> str:
        if self._stack.traces is None:
            raise MissingError(
                "this stack keeps no traces: it was started with --no-traces, by a command that "
                "needs none, or without Java and Maven"
            )
        return self._stack.traces

    def replicas(self) -> dict[str, str]:
        return instances(self._stack)

    def cpu_seconds(self) -> Seconds:
        """Without who only looks on: that costs no order anything."""
        running = {each.name: each.pid for each in self._processes() if each.pid}
        return cpu_seconds({name: pid for name, pid in running.items() if name != ZIPKIN})

    def restarts(self) -> dict[str, int]:
        return {each.name: each.restarts for each in self._processes()}

    def machine(self) -> Machine:
        return Machine(
            cores=os.cpu_count() or 1,
            python=platform.python_version(),
            system=platform.system(),
            kafka=self._stack.kafka.provider,
            postgres=self._stack.postgres.provider,
        )

    def _processes(self) -> list[ProcessInfo]:
        return processes(Home(Path(self._stack.home)))
