"""More replicas and fewer again while orders come in: nothing is lost, and what a saga costs."""

import pytest

from services.kit.bootstrap import SERVICES
from tests.e2e.traffic import halves, under_load, while_orders_come
from tests.integration.waiting import eventually

LEVELS = (1, 2, 3)
MEASURED = 100
SETTLED_SECONDS = 300.0
CPU = "process_cpu_seconds_total "


def test_three_replicas_of_everything_and_back_lose_nothing(
    release, order, order_url, database, capsys, record_property
):
    halves(order)
    costs = {}
    for replicas in (*LEVELS, 1):
        with while_orders_come(order_url, database):
            scale(release, replicas)
        if replicas not in costs:
            costs[replicas] = cpu_ms_per_saga(release, order_url, database)
    record_property("cpu_ms_per_saga", costs)
    with capsys.disabled():
        print(f"\nCPU of all services per saga, ms, by replicas of each: {costs}")
    assert set(release.restarts().values()) == {0}


def cpu_ms_per_saga(release, order_url, database) -> float:
    before = cpu_seconds(release)
    with under_load(order_url, database, MEASURED):
        pass
    return round((cpu_seconds(release) - before) * 1000 / MEASURED, 1)


def cpu_seconds(release) -> float:
    """Of all pods of all services, since each began."""
    pods = [pod.removeprefix("pod/") for name in SERVICES for pod in release.pods_of(name)]
    lines = [line for pod in pods for line in release.metrics(pod).splitlines()]
    found = [float(line.split()[1]) for line in lines if line.startswith(CPU)]
    assert len(found) == len(pods)
    return sum(found)


def scale(release, replicas: int) -> None:
    names = [f"deployment/{release.name}-{service}" for service in SERVICES]
    release.kubectl("scale", *names, f"--replicas={replicas}")
    eventually(
        lambda: all(len(release.pods_of(name)) == replicas for name in SERVICES),
        f"{replicas} pods of each",
        SETTLED_SECONDS,
    )
    release.settle()


@pytest.fixture(autouse=True)
def _as_it_was(release):
    yield
    scale(release, 1)
