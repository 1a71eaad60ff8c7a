"""The stack on this machine, as a target of commands."""

from lab.errors import MissingError
from lab.stack.state import Stack
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
