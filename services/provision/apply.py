"""Gives the permits, and takes those that are no longer due. Whatever somebody else gave the same
users (a refusal, another topic, a host) is left alone.

Idempotent, and harmless at any time: what is due is added before what is not is removed.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from kafka import KafkaAdminClient
from kafka.admin import (
    ACL,
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    ResourcePattern,
    ResourcePatternFilter,
    ResourceType,
)
from kafka.errors import SecurityDisabledError

from services.kit.bootstrap import all_topics
from services.kit.broker import BOOTSTRAP_MS, make_topics
from services.kit.settings import KafkaSettings
from services.provision.permits import Action, Permit, permits

log = logging.getLogger(__name__)

ANYWHERE = "*"
ALLOW = ACLPermissionType.ALLOW
RESOURCES = {
    Action.JOIN: (ResourceType.GROUP, ACLOperation.READ, ACLResourcePatternType.PREFIXED),
    Action.WRITE: (ResourceType.TOPIC, ACLOperation.WRITE, ACLResourcePatternType.LITERAL),
    Action.READ: (ResourceType.TOPIC, ACLOperation.READ, ACLResourcePatternType.LITERAL),
}


def provision(settings: KafkaSettings, users: dict[str, str]) -> None:
    """`users` are the services' names on the broker. KafkaError while it does not answer."""
    topics = all_topics()
    make_topics(settings, topics, topics)
    admin: Any = KafkaAdminClient(
        **settings.clients(), client_id="provision", bootstrap_timeout_ms=BOOTSTRAP_MS
    )
    try:
        _give(admin, permits(), users)
    except SecurityDisabledError:
        log.warning("this broker permits everything to everybody")
    finally:
        admin.close()


def _give(admin: Any, due: Sequence[Permit], users: dict[str, str]) -> None:
    given = [
        acl for user in users.values() for acl in _held_by(admin, _principal(user)) if _is_ours(acl)
    ]
    wanted = [_acl(permit, users[permit.service]) for permit in due]
    for _, step in groupby(wanted, key=lambda acl: acl.operation):
        _create(admin, [acl for acl in step if acl not in given])
    superfluous = [acl for acl in given if acl not in wanted]
    if superfluous:
        admin.delete_acls([_exactly(acl) for acl in superfluous])
    log.info("%d permits are due, %d were superfluous", len(wanted), len(superfluous))


def _is_ours(acl: ACL) -> bool:
    """As we would give it, though not to this user or not any more."""
    resource = acl.resource_pattern
    kinds = {(kind, operation, pattern) for kind, operation, pattern in RESOURCES.values()}
    return (
        acl.permission_type is ALLOW
        and acl.host == ANYWHERE
        and (resource.resource_type, acl.operation, resource.pattern_type) in kinds
        and resource.resource_name in {permit.name for permit in permits()}
    )


def _held_by(admin: Any, principal: str) -> Iterable[ACL]:
    anything = ResourcePatternFilter(ResourceType.ANY, None, ACLResourcePatternType.ANY)
    found, _ = admin.describe_acls(
        ACLFilter(principal, None, ACLOperation.ANY, ACLPermissionType.ANY, anything)
    )
    held: Iterable[ACL] = found
    return held


def _create(admin: Any, acls: list[ACL]) -> None:
    if acls and (failed := admin.create_acls(acls)["failed"]):
        raise failed[0](f"{len(failed)} permits cannot be given")


def _acl(permit: Permit, user: str) -> ACL:
    kind, operation, pattern = RESOURCES[permit.action]
    resource = ResourcePattern(kind, permit.name, pattern)
    return ACL(_principal(user), ANYWHERE, operation, ALLOW, resource)


def _exactly(acl: ACL) -> ACLFilter:
    resource = acl.resource_pattern
    pattern = ResourcePatternFilter(
        resource.resource_type, resource.resource_name, resource.pattern_type
    )
    return ACLFilter(acl.principal, acl.host, acl.operation, acl.permission_type, pattern)


def _principal(user: str) -> str:
    return f"User:{user}"
