"""One release for all tests of a run, in a namespace that is made for it and goes with it."""

import os
import uuid

import pytest

from lab.cluster.target import release_target
from tests.e2e.cluster import Release, image_from_environment, run

SESSION_SECONDS = 10  # how long a pod that could not leave its group keeps its partitions
SHORT_SESSION = {"settings.sessionTimeoutSeconds": SESSION_SECONDS}


@pytest.fixture(scope="session", autouse=True)
def _asked_for():
    """Whoever runs pytest may have kubectl point at a cluster that is not meant for this."""
    if not os.environ.get("BANDSTAND_E2E"):
        pytest.skip("`make e2e` installs into the cluster that kubectl talks to")


@pytest.fixture(scope="session")
def release(_asked_for):
    namespace = f"bandstand-e2e-{uuid.uuid4().hex[:6]}"
    run("kubectl", "create", "namespace", namespace)
    for answer in ("enforce", "warn"):
        restricted = f"pod-security.kubernetes.io/{answer}=restricted"
        run("kubectl", "label", "namespace", namespace, restricted)
    release = Release(namespace, image_from_environment())
    try:
        release.install(**SHORT_SESSION)
        yield release
    finally:
        run("helm", "--namespace", namespace, "uninstall", release.name, check=False)
        run("kubectl", "delete", "namespace", namespace, "--timeout=120s", check=False)


@pytest.fixture
def target(release):
    with release_target(release.namespace, release.name) as target:
        yield target


@pytest.fixture
def order_url(target):
    return target.url("order")


@pytest.fixture
def order(target):
    with target.order_api() as api:
        yield api


@pytest.fixture
def database(target):
    database = target.database()
    yield database
    database.close()
