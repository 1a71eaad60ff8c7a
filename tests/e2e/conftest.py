"""One release for all tests of a run, in a namespace that is made for it and goes with it."""

import os

import pytest

from lab.api import Api
from lab.cluster.target import release_target
from tests.e2e.cluster import Release, image_from_environment, restricted_namespace, run
from tests.e2e.traffic import PATIENCE_SECONDS

ANSWER_SECONDS = 60.0
SESSION_SECONDS = 10  # how long a pod that could not leave its group keeps its partitions
SHORT_SESSION = {"settings.sessionTimeoutSeconds": SESSION_SECONDS}


@pytest.fixture(scope="session", autouse=True)
def _asked_for():
    """Whoever runs pytest may have kubectl point at a cluster that is not meant for this."""
    if not os.environ.get("BANDSTAND_E2E"):
        pytest.skip("`make e2e` installs into the cluster that kubectl talks to")


@pytest.fixture(scope="session")
def release(_asked_for):
    with restricted_namespace("bandstand-e2e") as namespace:
        release = Release(namespace, image_from_environment())
        try:
            release.install(**SHORT_SESSION)
            yield release
        finally:
            run("helm", "--namespace", namespace, "uninstall", release.name, check=False)


@pytest.fixture
def target(release):
    with release_target(release.namespace, release.name) as target:
        yield target


@pytest.fixture
def order_url(target):
    return target.url("order")


@pytest.fixture
def order(target):
    with Api(target.url("order"), target.token, timeout=ANSWER_SECONDS) as api:
        yield api


@pytest.fixture
def database(target):
    database = target.database(PATIENCE_SECONDS)
    yield database
    database.close()
