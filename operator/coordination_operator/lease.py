"""One replica acts at a time: the one that holds the Lease.

kopf's peering is no leader election, so there is a Lease as Kubernetes' own controllers have it;
the chart makes it, empty, so that it goes with the release.
It keeps two replicas from doing everything twice; that they cannot disagree is not its doing, for
the object and the route are changed by compare-and-set alone.

Nobody's clock is compared with anybody else's: a lease is up when whoever waits for it has seen it
unchanged for as long as it lasts.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

import httpx2
from lightkube import ApiError, Client
from lightkube.models.coordination_v1 import LeaseSpec
from lightkube.resources.coordination_v1 import Lease

log = logging.getLogger(__name__)

DURATION_SECONDS = 10
RENEW_SECONDS = 2.5


class Tenure:
    """Ours while `held`; who cannot renew it in time has to assume that somebody else has it.

    That is the end of acting, and not yet of the tenure: who finds their own name in it still goes
    on, for nobody else has acted meanwhile.
    """

    def __init__(
        self,
        client: Client,
        name: str,
        identity: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._name = name
        self._identity = identity
        self._clock = clock
        self._renewed = float("-inf")
        self._seen: LeaseSpec | None = None
        self._seen_at = 0.0
        self._anothers = False
        self._ended = threading.Event()

    @property
    def held(self) -> bool:
        return not self._anothers and self._clock() - self._renewed < DURATION_SECONDS

    def await_turn(self, beat: Callable[[], None]) -> None:
        while not self.claim():
            beat()
            self._ended.wait(RENEW_SECONDS)
        log.info("%s holds the lease %s", self._identity, self._name)

    def keep(self, lost: Callable[[], None], beat: Callable[[], None]) -> None:
        """On a thread of its own, until `give_up`; `lost` when somebody else has it, or had it."""
        while not self._ended.wait(RENEW_SECONDS):
            beat()
            self.claim()
            if self._anothers:
                log.error("%s has lost the lease %s", self._identity, self._name)
                lost()
                return

    def give_up(self) -> None:
        """So that the next one need not wait until it expires."""
        self._ended.set()
        if not self.held:
            return
        try:
            lease = self._client.get(Lease, self._name)
            if lease.spec is not None and lease.spec.holderIdentity == self._identity:
                lease.spec.holderIdentity = ""
                self._client.replace(lease)
        except (ApiError, httpx2.HTTPError) as error:
            log.warning("the lease could not be given up: %s", error)

    def claim(self) -> bool:
        """By compare-and-set, so that only one of many gets it."""
        asked = self._clock()
        try:
            self._anothers = not self._take()
        except (ApiError, httpx2.HTTPError) as error:
            log.warning("the lease %s cannot be had: %s", self._name, error)
            return False
        if not self._anothers:
            self._renewed = asked
        return not self._anothers

    def _take(self) -> bool:
        now = datetime.now(UTC)
        lease = self._client.get(Lease, self._name)
        before = lease.spec or LeaseSpec()
        taken = before.holderIdentity != self._identity
        if taken and not self._is_free(before):
            return False
        spec = self._spec(now)
        spec.acquireTime = now if taken else before.acquireTime
        spec.leaseTransitions = (before.leaseTransitions or 0) + taken
        lease.spec = spec
        self._client.replace(lease)
        return True

    def _is_free(self, lease: LeaseSpec) -> bool:
        """Never again for who has had it: it went through others' hands."""
        if self._renewed > float("-inf"):
            return False
        return not lease.holderIdentity or self._is_up(lease)

    def _is_up(self, lease: LeaseSpec) -> bool:
        if lease != self._seen:
            self._seen, self._seen_at = lease, self._clock()
        lasts = lease.leaseDurationSeconds or DURATION_SECONDS
        return self._clock() - self._seen_at > lasts

    def _spec(self, now: datetime) -> LeaseSpec:
        return LeaseSpec(
            holderIdentity=self._identity,
            leaseDurationSeconds=DURATION_SECONDS,
            acquireTime=now,
            renewTime=now,
            leaseTransitions=0,
        )
