"""Which bandstand a command is about: the stack on this machine, or a release on a cluster."""

import msgspec
import typer

from lab.stack.state import load_stack
from lab.stack.target import StackTarget
from lab.target import Target


class Where(msgspec.Struct, frozen=True):
    """What stands before the command: `bandstand --kube --namespace N --release R`."""

    kube: bool = False
    namespace: str = "bandstand"
    release: str = "bandstand"


def where(context: typer.Context) -> Where:
    return context.obj if isinstance(context.obj, Where) else Where()


def target_of(context: typer.Context) -> Target:
    """What it opens is closed when the command ends, however it ends."""
    place = where(context)
    if not place.kube:
        return StackTarget(load_stack())
    from lab.cluster.target import release_target

    return context.with_resource(release_target(place.namespace, place.release))
