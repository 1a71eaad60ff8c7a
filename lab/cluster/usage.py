"""CPU time of a release's pods, read in each of them: it needs no metrics-server, is no average
over the last while, and a pod of somebody else's is not counted."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from lab.cluster.kubectl import Kubectl
from lab.cluster.pods import PodReport
from lab.errors import BandstandError, RefusedError
from lab.measure.processes import Seconds

# A process that ends meanwhile is missing, as is what it used: its parent has that by then.
READ = "cat /proc/[0-9]*/stat 2>/dev/null; true"
TICKS_A_SECOND = 100
USED = slice(11, 15)  # user and system time, its own and that of children it has waited for


def cpu_seconds(kubectl: Kubectl, pods: Sequence[PodReport]) -> Seconds:
    """By component and pod; asked at the same time. A pod that ends meanwhile is missing: what it
    used is known from the time before."""

    def read(pod: PodReport) -> str | None:
        try:
            return kubectl.run_in(pod.name, READ)
        except RefusedError:
            raise
        except BandstandError:
            return None

    with ThreadPoolExecutor(max(1, len(pods))) as asking:
        said = list(asking.map(read, pods))
    return {
        (pod.component, pod.name): seconds_in(stats)
        for pod, stats in zip(pods, said, strict=True)
        if stats is not None
    }


def seconds_in(stats: str) -> float:
    """Of lines of `/proc/PID/stat`, whose second field is a name that may have anything in it."""
    fields = (line.rpartition(")")[2].split() for line in stats.splitlines())
    return sum(int(ticks) for each in fields for ticks in each[USED]) / TICKS_A_SECOND
