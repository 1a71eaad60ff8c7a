"""Real Kafka and PostgreSQL for a session, and what each test gets of them for itself."""

import shutil
import tempfile
from pathlib import Path

import pytest

from lab.errors import MissingError
from lab.stack.home import Home
from lab.stack.options import StackOptions
from lab.stack.run import infrastructure_only, running_stack, stop
from observability.prometheus import find_prometheus
from services.kit.bootstrap import SERVICES
from tests.integration.broker import forget_everything, new_topic
from tests.integration.databases import a_database
from tests.integration.own_ports import keep_to_own_ports
from tests.integration.service_process import processes
from tests.integration.waiting import eventually
from tests.tools import lacking

NO_HURRY = {"order_deadline_seconds": "60"}  # a machine that pauses ends no order


@pytest.fixture(scope="session", autouse=True)
def _own_ports():
    keep_to_own_ports()


@pytest.fixture(scope="session")
def infra():
    """One broker and one database server, supervised: what a test kills comes back."""
    with infrastructure_only() as running:
        yield running


@pytest.fixture(scope="session")
def bootstrap(infra):
    return infra.kafka.bootstrap


@pytest.fixture
def database_url(infra):
    with a_database(infra.postgres.url) as url:
        yield url


@pytest.fixture(scope="module")
def module_database_url(infra):
    with a_database(infra.postgres.url) as url:
        yield url


@pytest.fixture(scope="module")
def empty_broker(bootstrap):
    """No topic of ours and no group: services name theirs the same in every test."""
    forget_everything(bootstrap)
    yield bootstrap
    forget_everything(bootstrap)


@pytest.fixture
def topic(bootstrap):
    return new_topic(bootstrap)


@pytest.fixture(scope="session")
def stack():
    """All six services as processes, on a broker and a database of their own."""
    folder = Path(tempfile.mkdtemp(prefix="bandstand-test-")).resolve()
    folder.chmod(0o711)
    try:
        with running_stack(StackOptions(known_ports=False), home=Home(folder)) as running:
            yield running.stack
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def prometheus():
    try:
        return find_prometheus()
    except MissingError as missing:
        lacking(str(missing))


@pytest.fixture
def home():
    """Below a folder that PostgreSQL's user may pass, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="bandstand-test-")).resolve()
    folder.chmod(0o711)
    yield Home(folder)
    stop(Home(folder))
    shutil.rmtree(folder)


@pytest.fixture
def make_service(database_url, bootstrap, tmp_path):
    """Makes processes of services, which share this test's database."""
    with processes(database_url, bootstrap, tmp_path) as make:
        yield make


@pytest.fixture(scope="module")
def desks(module_database_url, empty_broker, tmp_path_factory):
    """Two replicas of the order service, for one database and with nobody behind them."""
    with processes(module_database_url, empty_broker, tmp_path_factory.mktemp("logs")) as make:
        yield all_started([make("order", number, **NO_HURRY) for number in range(2)])


@pytest.fixture(scope="module")
def ensemble(module_database_url, empty_broker, tmp_path_factory):
    """One process of each service, by name, for tests that may leave them in any state."""
    with processes(module_database_url, empty_broker, tmp_path_factory.mktemp("logs")) as make:
        made = [make(name, **NO_HURRY) for name in SERVICES]
        yield {process.name: process for process in all_started(made)}


def all_started(made):
    """At the same time."""
    started = list(made)
    for process in started:
        process.launch()
    for process in started:
        eventually(process.is_ready, f"{process.instance} is ready")
    return started


def pytest_terminal_summary(terminalreporter):
    """Names each panel whose queries were run, and how much it would have drawn."""
    told = [
        value
        for report in terminalreporter.getreports("passed")
        for name, value in report.user_properties
        if name == "panel" and report.when == "call"
    ]
    if told:
        terminalreporter.write_sep("-", "what each panel shows")
        terminalreporter.write_line("\n".join(told))
