"""A running bandstand as the commands see it: they need not know who runs it, or where."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import msgspec

from lab.api import Api
from lab.broker import Broker
from lab.database import PATIENCE_SECONDS, Database
from lab.letters.office import Office
from lab.measure.processes import Seconds
from lab.report.model import Machine


class KafkaAccess(msgspec.Struct, frozen=True):
    """`options` are kafka-python's, for clients of every kind."""

    bootstrap: str
    options: Mapping[str, Any] = {}


class Target(ABC):
    """What is asked for is made reachable then, and stays so until the command ends."""

    services: tuple[str, ...]

    @property
    @abstractmethod
    def token(self) -> str: ...

    @abstractmethod
    def url(self, service: str) -> str: ...

    @abstractmethod
    def instances(self, service: str) -> list[str]:
        """The URLs of those that have to be told, when all of its replicas shall know."""

    @abstractmethod
    def kafka(self) -> KafkaAccess: ...

    @abstractmethod
    def postgres(self) -> str:
        """The URL of a role that may read every service's schema."""

    @abstractmethod
    def traces(self) -> str:
        """The URL of what keeps them; MissingError where nothing does."""

    @abstractmethod
    def replicas(self) -> dict[str, str]:
        """The URL of every service process, by its name."""

    @abstractmethod
    def cpu_seconds(self) -> Seconds:
        """So far, of each process that orders cost something; those that run elsewhere are left
        out."""

    @abstractmethod
    def restarts(self) -> dict[str, int]:
        """So far, by process."""

    @abstractmethod
    def machine(self) -> Machine: ...

    def urls(self) -> dict[str, str]:
        return {name: self.url(name) for name in self.services}

    def order_api(self) -> Api:
        return Api(self.url("order"), self.token)

    def database(self, patience: float = PATIENCE_SECONDS) -> Database:
        return Database(self.postgres(), patience)

    def broker(self) -> Broker:
        access = self.kafka()
        return Broker(access.bootstrap, access.options)

    def office(self) -> Office:
        access = self.kafka()
        return Office(access.bootstrap, access.options)
