"""What whoever acts next must know and no object says any more, because it is gone.

It is kept at the Lease, in annotations: there as long as the operator is, and gone with it. So an
object needs no finalizer, its deletion waits for nobody, and an uninstall cannot hang.
"""

from __future__ import annotations

from typing import Any

import msgspec
from lightkube import Client
from lightkube.resources.coordination_v1 import Lease
from lightkube.types import PatchType

from coordination_operator import policy_resources
from coordination_operator.asking import asking_the_api
from coordination_operator.errors import Unavailable
from coordination_operator.farewell import LookedAfter
from coordination_operator.resources import GROUP, PLURAL


class Memory:
    """Of one thing; written only when it changes."""

    def __init__(self, client: Client, lease: str, name: str, shape: Any) -> None:
        self._client = client
        self._lease = lease
        self._name = name
        self._shape = shape
        self._kept: Any = None

    def keep(self, what: Any) -> None:
        if what != self._kept:
            self._write(msgspec.json.encode(what).decode())
            self._kept = what

    def recall(self) -> Any:
        """None is nothing, or nothing that can be read."""
        with asking_the_api(gone=Unavailable):
            lease = self._client.get(Lease, self._lease)
        assert lease.metadata is not None
        text = (lease.metadata.annotations or {}).get(self._name)
        try:
            return msgspec.json.decode(text, type=self._shape) if text else None
        except msgspec.MsgspecError:
            return None

    def forget(self) -> None:
        self._write(None)
        self._kept = None

    def _write(self, text: str | None) -> None:
        body = {"metadata": {"annotations": {self._name: text}}}
        with asking_the_api(gone=Unavailable):
            self._client.patch(Lease, self._lease, body, patch_type=PatchType.MERGE)


def memory_of_the_coordination(client: Client, lease: str) -> Memory:
    return Memory(client, lease, f"{GROUP}/{PLURAL}", LookedAfter)


def memory_of_policies(client: Client, lease: str) -> Memory:
    """The versions of the rules that objects stand behind."""
    return Memory(client, lease, f"{GROUP}/{policy_resources.PLURAL}", tuple[int, ...])
