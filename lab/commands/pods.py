"""`bandstand --kube status`."""

from rich.table import Table

from lab.cluster.kubectl import Kubectl
from lab.cluster.pods import PodReport, report
from lab.cluster.release import find_release
from lab.commands.where import Where
from lab.output import out, print_json


def show_pods(place: Where, as_json: bool) -> None:
    kubectl = Kubectl(place.namespace)
    found = report(kubectl, find_release(kubectl, place.release).name)
    if as_json:
        print_json(found)
        return
    out.print(_table(found.pods))
    out.print(f"release {found.release} in namespace {found.namespace}")


def _table(pods: list[PodReport]) -> Table:
    table = Table(box=None, pad_edge=False)
    for title in ("pod", "state", "ready"):
        table.add_column(title)
    for title in ("restarts", "up"):
        table.add_column(title, justify="right")
    for pod in pods:
        ready = "yes" if pod.ready else "no"
        table.add_row(pod.name, pod.state, ready, str(pod.restarts), f"{pod.uptime_seconds:.0f} s")
    return table
