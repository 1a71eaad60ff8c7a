"""Kafka clients as every service wants them, and the topics they need."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.admin import MemberToRemove, NewTopic
from kafka.coordinator.assignors.range import RangePartitionAssignor
from kafka.errors import KafkaError, TopicAlreadyExistsError, TopicAuthorizationFailedError
from kafka.net.compat import KafkaNetClient

from services.kit.dead_letters import SUFFIX
from services.kit.settings import KafkaSettings, Settings

log = logging.getLogger(__name__)

BOOTSTRAP_MS = 5_000
POLL_RECORDS = 500
PATIENT_BYTES = 256 * 1024
CONNECTING_MS = 50
ADMIN_TIMEOUT_MS = 2_000
DAY_MS = 86_400_000
FOREVER_MS = 2**31 - 1
POLICIES = "policies"
ACKNOWLEDGEMENTS = "policies.acknowledgements"
COMPACTED = (POLICIES, ACKNOWLEDGEMENTS)
KEPT = {"retention.ms": str(7 * DAY_MS), "segment.ms": str(DAY_MS)}
KEPT_FOR_GOOD = {"retention.ms": "-1", "retention.bytes": "-1"}


class TopicsMissing(KafkaError):  # type: ignore[misc]
    """Somebody else has to make them; until then there is nothing to read."""


def make_topics(settings: KafkaSettings, names: Iterable[str], needed: Iterable[str]) -> None:
    """Make what is missing; another service making it at the same moment is no error.

    Nor is it one not to be permitted to, as on a broker where topics are made by somebody else, as
    long as those that are `needed` are there. What a user may not read, the broker does not show.
    """
    admin = KafkaAdminClient(
        **settings.clients(), client_id="topics", bootstrap_timeout_ms=BOOTSTRAP_MS
    )
    try:
        seen = set(admin.list_topics())
        if missing := sorted(set(names) - seen):
            admin.create_topics([_new_topic(name, settings) for name in missing])
    except TopicAlreadyExistsError as error:
        log.info("somebody was faster: %s", error)
    except TopicAuthorizationFailedError as error:
        if unseen := sorted(set(needed) - seen):
            raise TopicsMissing(
                f"waiting for {', '.join(unseen)}, or to be permitted them"
            ) from error
    finally:
        admin.close()


def _new_topic(name: str, settings: KafkaSettings) -> NewTopic:
    """A dead letter is kept until somebody has looked at it, however long that takes.

    Kafka deletes whole segments, and only old ones: a record is gone after `retention.ms` and the
    age that a segment may reach. Inboxes remember for longer than that. Of the rules and of who
    enforces them only the newest word counts.
    """
    if name in COMPACTED:
        compacted = {"cleanup.policy": "compact"}
        return NewTopic(name, 1, settings.replication, topic_configs=compacted)
    kept = KEPT_FOR_GOOD if name.endswith(SUFFIX) else KEPT
    return NewTopic(name, settings.partitions, settings.replication, topic_configs=kept)


class CalmClient(KafkaNetClient):  # type: ignore[misc]
    """For producers: whoever has a record for a broker that is away looks again after a moment.

    kafka-python 3.0 tells how long to wait in seconds, and its producer takes them for
    milliseconds: it looked thousands of times a second. A connection that is ready, an answer and
    a new record end the wait at once, as ever.
    """

    def connection_delay(self, node_id: int) -> float:
        return max(float(super().connection_delay(node_id)), CONNECTING_MS)


def make_producer(settings: Settings) -> Any:
    """acks=all and idempotent: per partition nothing is lost, doubled or reordered.

    It never gives a record up, since the outbox keeps it anyway: once a batch had expired, the
    idempotent producer of kafka-python 3.0 sent nothing to its partition any more.
    """
    return KafkaProducer(
        **settings.clients(),
        kafka_client=CalmClient,
        bootstrap_timeout_ms=BOOTSTRAP_MS,
        client_id=settings.instance,
        acks="all",
        enable_idempotence=True,
        linger_ms=0,
        batch_size=65_536,
        max_block_ms=2_000,
        request_timeout_ms=10_000,
        delivery_timeout_ms=FOREVER_MS,
        reconnect_backoff_max_ms=1_000,
        allow_auto_create_topics=False,
        metrics_enabled=False,
    )


def make_consumer(settings: Settings, group: str, patient: bool = False) -> Any:
    """A static member: a process that is back within the session keeps its partitions.

    Assigned by range, so that each replica gets its share of every topic and the same keys of all
    of them: whatever concerns one saga meets in one replica. (The cooperative assignor deals out
    whole topics, and a second replica would hear one kind of message only.)

    A patient one lets the broker collect records for half a second before it answers.
    """
    return KafkaConsumer(
        **settings.clients(),
        bootstrap_timeout_ms=BOOTSTRAP_MS,
        client_id=settings.instance,
        group_id=group,
        group_instance_id=settings.instance,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        max_poll_records=POLL_RECORDS,
        fetch_max_wait_ms=500 if patient else 1_000,
        fetch_min_bytes=PATIENT_BYTES if patient else 1,
        session_timeout_ms=int(settings.session_timeout_seconds * 1000),
        heartbeat_interval_ms=2_000,
        metadata_max_age_ms=60_000,
        reconnect_backoff_max_ms=1_000,
        partition_assignment_strategy=(RangePartitionAssignor(),),
        allow_auto_create_topics=False,
        metrics_enabled=False,
    )


def make_admin(settings: Settings) -> Any:
    """Somebody waits for its answer. By default half a minute would lie between two attempts to
    connect, once a broker has long been away."""
    return KafkaAdminClient(
        **settings.clients(),
        bootstrap_timeout_ms=ADMIN_TIMEOUT_MS,
        request_timeout_ms=ADMIN_TIMEOUT_MS,
        reconnect_backoff_max_ms=500,
    )


def leave_group(settings: Settings, group: str) -> None:
    """A static member's close keeps its place until the session ends, for a quick return. Who was
    asked to stop may not return: the others shall have its partitions now."""
    try:
        admin = make_admin(settings)
    except (KafkaError, OSError) as error:
        log.warning("%s keeps its place in the group: %s", settings.instance, error)
        return
    try:
        admin.remove_group_members(group, [MemberToRemove(group_instance_id=settings.instance)])
    except KafkaError as error:
        log.warning("%s keeps its place in the group: %s", settings.instance, error)
    finally:
        admin.close()


class Later:
    """Stands for a client that is made once the broker answers."""

    def __init__(self, get: Any) -> None:
        self._get = get

    def __getattr__(self, name: str) -> Any:
        client = self._get()
        if client is None:
            raise KafkaError("the broker does not answer yet")
        return getattr(client, name)
