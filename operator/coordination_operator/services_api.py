"""The services as the operator sees them: the route, the rules, and what each has left to do."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

import msgspec

from coordination_operator.http import Http
from coordination_operator.plan import Past, Route, SetRoute
from coordination_operator.policy_plan import InForce, SetRules
from coordination_operator.policy_resources import PointStatus
from coordination_operator.resources import Who
from coordination_operator.status import Left
from services.kit.message import Mode
from services.policy.rules import Rule
from services.policy.steps import CONDUCTOR


class _Open(msgspec.Struct):
    mode: Mode
    orders: int


class _Current(msgspec.Struct):
    mode: Mode
    ended: int


class _Past(msgspec.Struct):
    mode: Mode
    weight: int
    changed_at: datetime


class _Coordination(msgspec.Struct):
    mode: Mode
    weight: int
    epoch: int
    changed_at: datetime
    at: datetime
    open: list[_Open]
    current: list[_Current]
    history: list[_Past]


class _Remaining(msgspec.Struct):
    mode: Mode
    unsent: int
    parked: int
    unread: int


class _NewRoute(msgspec.Struct):
    mode: Mode
    weight: int
    epoch: int


class _Point(msgspec.Struct):
    service: str
    instance: str
    version: int
    at: datetime


class _Policies(msgspec.Struct):
    version: int
    rules: tuple[Rule, ...]
    points: tuple[_Point, ...]


class _NewPolicies(msgspec.Struct):
    version: int
    rules: tuple[Rule, ...]


class Services:
    """`urls` by service; the order service is one of them."""

    def __init__(self, http: Http, urls: Mapping[str, str], token: str) -> None:
        self._http = http
        self._urls = urls
        self._token = token

    def route(self) -> Route:
        return _route(self._http.get(self._coordination, _Coordination))

    def switch(self, wish: SetRoute) -> None:
        """Stale if the route is no longer the one that was seen."""
        body = _NewRoute(wish.mode, wish.weight, wish.seen_epoch)
        self._http.put(self._coordination, _Coordination, body, self._token)

    def rules(self) -> InForce:
        return _in_force(self._http.get(self._policies, _Policies))

    def put_rules(self, wish: SetRules) -> None:
        """Stale if the rules are no longer those that were seen; Refused if they are no good."""
        body = _NewPolicies(wish.seen_version, wish.rules)
        self._http.put(self._policies, _Policies, body, self._token)

    def left(self, without: Collection[str] = ()) -> dict[Mode, Left]:
        """Unavailable if a single service does not answer: what is not seen is not nothing. Only
        whoever was sent away after it had drained may be left out."""
        total = {mode: Left(unsent=0, parked=0, unread=0) for mode in Mode}
        for url in (url for name, url in self._urls.items() if name not in without):
            for found in self._http.get(f"{url}/remaining", list[_Remaining]):
                before = total[found.mode]
                total[found.mode] = Left(
                    unsent=before.unsent + found.unsent,
                    parked=before.parked + found.parked,
                    unread=before.unread + found.unread,
                )
        return total

    @property
    def _coordination(self) -> str:
        return f"{self._urls['order']}/coordination"

    @property
    def _policies(self) -> str:
        return f"{self._urls['order']}/policies"


def _in_force(found: _Policies) -> InForce:
    points = (
        PointStatus(
            service=each.service,
            instance=each.instance,
            mode=Who.ORCHESTRATION if each.service == CONDUCTOR else Who.CHOREOGRAPHY,
            version=each.version,
            since=each.at,
        )
        for each in found.points
    )
    return InForce(found.version, found.rules, tuple(points))


def _route(found: _Coordination) -> Route:
    still_open = dict.fromkeys(Mode, 0)
    for each in found.open:
        still_open[each.mode] += each.orders
    return Route(
        mode=found.mode,
        weight=found.weight,
        epoch=found.epoch,
        changed_at=found.changed_at,
        at=found.at,
        open=still_open,
        ended={each.mode: each.ended for each in found.current},
        history=[Past(each.mode, each.weight, each.changed_at) for each in found.history],
    )
