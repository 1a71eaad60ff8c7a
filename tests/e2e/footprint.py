"""`python -m tests.e2e.footprint NAMESPACE SECONDS`: CPU and memory of each pod over that long.

As its node's kubelet counts them: it needs no metrics-server, but the right to ask nodes.
"""

import json
import sys
import time
from typing import NamedTuple

from tests.e2e.cluster import run

MIB = 2**20


class Usage(NamedTuple):
    """CPU seconds since the pod began; memory without what the kernel could take back."""

    cpu_seconds: float
    working_set_mib: float


def usage(namespace: str) -> dict[str, Usage]:
    nodes = json.loads(run("kubectl", "get", "nodes", "--output=json"))["items"]
    summaries = [
        json.loads(run("kubectl", "get", "--raw", f"/api/v1/nodes/{name}/proxy/stats/summary"))
        for name in (node["metadata"]["name"] for node in nodes)
    ]
    return {
        pod["podRef"]["name"]: Usage(
            sum(each["cpu"]["usageCoreNanoSeconds"] for each in pod["containers"]) / 1e9,
            sum(each["memory"]["workingSetBytes"] for each in pod["containers"]) / MIB,
        )
        for summary in summaries
        for pod in summary["pods"]
        if pod["podRef"]["namespace"] == namespace
    }


def main(namespace: str, seconds: float) -> None:
    """A pod that came or went meanwhile is left out."""
    began, before = time.monotonic(), usage(namespace)
    time.sleep(seconds)
    after, took = usage(namespace), time.monotonic() - began
    rows = [
        (pod, 1000 * (after[pod].cpu_seconds - before[pod].cpu_seconds) / took, after[pod][1])
        for pod in sorted(before.keys() & after.keys())
    ]
    rows.append(("all", sum(row[1] for row in rows), sum(row[2] for row in rows)))
    for pod, millicores, mib in rows:
        print(f"{pod:45} {millicores:7.0f}m {mib:7.0f} MiB")


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
