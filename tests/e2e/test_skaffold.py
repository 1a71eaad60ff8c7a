"""What `skaffold dev` does to the pods when a source changes, done by hand with its rules."""

import io
import subprocess
import tarfile
from contextlib import suppress

import pytest

from lab.api import ProblemError
from lab.errors import NotReadyError
from lab.load.summary import summarize
from services.kit.bootstrap import SERVICES
from services.kit.message import Mode
from tests.e2e.cluster import image_from_environment
from tests.e2e.conftest import SHORT_SESSION
from tests.e2e.traffic import halves, under_load
from tests.integration.waiting import eventually
from tests.syncing import ROOT, commands_after, destinations

CHANGED = ("services/__init__.py", "operator/coordination_operator/__init__.py")
SAID = "this line came while the pod was running"
READY_SECONDS = 300.0


@pytest.fixture
def developed(release):
    release.install(**SHORT_SESSION, **{"sync.enabled": "true"})
    yield release
    release.install(**SHORT_SESSION)


def test_a_source_that_changes_counts_in_every_pod_and_replaces_none(
    developed, order, order_url, database
):
    pods = eventually(lambda: running_the_image(developed), "the former pods are gone")
    assert {container for _, container in pods} >= {*SERVICES, "operator"}
    for place in pods:
        sync(developed, place, an_archive())
    for place in pods:
        eventually(lambda place=place: SAID in log(developed, place), f"{place}", READY_SECONDS)
    developed.settle()
    eventually(lambda: routed(order), "the order service answers again", READY_SECONDS)
    with under_load(order_url, database, orders=30) as load:
        pass
    assert set(summarize(load.ledger, database).modes) == set(Mode)
    assert running_the_image(developed) == pods
    assert set(developed.restarts().values()) == {0}


def running_the_image(release):
    """Skaffold copies into every container of the image in a pod that runs; none while one is
    about to end, be it a former one or a job's."""
    running = [pod for pod in release.items("pods") if pod["status"]["phase"] == "Running"]
    if any(is_passing(pod["metadata"]) for pod in running):
        return []
    return [
        (pod["metadata"]["name"], container["name"])
        for pod in running
        for container in pod["spec"]["containers"]
        if container["image"] == image_from_environment()
    ]


def is_passing(metadata):
    return "deletionTimestamp" in metadata or "batch.kubernetes.io/job-name" in metadata["labels"]


def an_archive():
    """Of changed files, called as they are to be called in the container."""
    places = destinations()
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for file in CHANGED:
            content = f"{(ROOT / file).read_text()}\nprint('{SAID}', flush=True)\n".encode()
            entry = tarfile.TarInfo(places[file])
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return archive.getvalue()


def sync(release, place, archive):
    pod, container = place
    inside = ("kubectl", "--namespace", release.namespace, "exec", pod, "-c", container, "-i", "--")
    unpack = (*inside, "tar", "xmf", "-", "-C", "/", "--no-same-owner")
    done = subprocess.run(unpack, input=archive, check=False, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    for command in commands_after():
        subprocess.run((*inside, *command), stdin=subprocess.DEVNULL, check=True)


def routed(order):
    with suppress(NotReadyError, ProblemError):
        halves(order)
        return True


def log(release, place):
    pod, container = place
    return release.kubectl("logs", pod, "--container", container)
