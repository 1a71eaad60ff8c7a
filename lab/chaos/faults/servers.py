"""A server dies under the load and is started again."""

from collections.abc import Iterator
from contextlib import contextmanager

from lab.chaos.faults.backstage import Backstage
from lab.chaos.faults.seen import Seen, Strike
from lab.chaos.watch import until
from lab.stack.ready import kafka_problem, postgres_problem
from services.kit.message import Mode

RETURN_SECONDS = 60.0


@contextmanager
def broker_killed(backstage: Backstage, _mode: Mode) -> Iterator[Strike]:
    bootstrap = backstage.stage.stack.kafka.bootstrap

    def strike() -> Seen:
        died = backstage.kill("kafka")
        until(lambda: kafka_problem(bootstrap) is None, RETURN_SECONDS)
        return Seen(int(died))

    yield strike


@contextmanager
def database_killed(backstage: Backstage, _mode: Mode) -> Iterator[Strike]:
    """The server with all its backends, as when the machine's memory runs out."""
    url = backstage.stage.stack.postgres.url

    def strike() -> Seen:
        died = backstage.kill("postgres")
        until(lambda: postgres_problem(url) is None, RETURN_SECONDS)
        return Seen(int(died))

    yield strike
