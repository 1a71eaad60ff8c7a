"""A process's configuration, from its environment only."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta

from services.kit.kafka_security import Mechanism, Protocol, Security

PREFIX = "BANDSTAND_"
Shape = TypeVar("Shape", bound="KafkaSettings")


class SettingsError(ValueError):
    """A variable is missing or cannot be read; the text names it."""


def _about(text: str, **bounds: Any) -> Meta:
    return Meta(description=text, **bounds)


class KafkaSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How to get to Kafka, and what the topics that are made there are like."""

    kafka: Annotated[str, _about("bootstrap servers, `host:port[,host:port]`")]
    kafka_security: Annotated[
        Protocol, _about("`PLAINTEXT`, `SSL`, `SASL_PLAINTEXT` or `SASL_SSL`")
    ] = "PLAINTEXT"
    kafka_mechanism: Annotated[
        Mechanism, _about("with SASL: `PLAIN`, `SCRAM-SHA-256` or `SCRAM-SHA-512`")
    ] = "SCRAM-SHA-512"
    kafka_user: Annotated[str, _about("with SASL; the service's name when empty")] = ""
    kafka_password: Annotated[str, _about("with SASL")] = ""
    kafka_ca: Annotated[
        str, _about("with TLS: a file of trusted certificates, PEM; the system's when empty")
    ] = ""
    partitions: Annotated[int, _about("of the topics that it has to make", ge=1, le=1000)] = 4
    replication: Annotated[
        int, _about("of the topics that it has to make; -1: the broker's default", ge=-1, le=100)
    ] = -1

    @property
    def bootstrap(self) -> list[str]:
        return [server.strip() for server in self.kafka.split(",") if server.strip()]

    def clients(self) -> dict[str, Any]:
        """Where every Kafka client goes, and how it is let in."""
        security = Security(
            self.kafka_security,
            self.kafka_mechanism,
            self.kafka_user,
            self.kafka_password,
            Path(self.kafka_ca).read_text() if self.kafka_ca else "",
        )
        return {"bootstrap_servers": self.bootstrap, **security.options()}


class Settings(KafkaSettings, frozen=True, kw_only=True):
    """The descriptions are the reference in `docs/configuration.md`."""

    database_url: Annotated[
        str, _about("`postgresql://user:password@host:port/database`; each service has a schema")
    ]
    host: Annotated[str, _about("where the HTTP API listens")] = "127.0.0.1"
    port: Annotated[int, _about("where the HTTP API listens", ge=0, le=65535)] = 8080
    instance: Annotated[
        str, _about("this replica's stable name; `<service>-0` when empty, so name each replica")
    ] = ""
    token: Annotated[
        str, _about("bearer token for switching, faults and restocking; empty forbids these")
    ] = ""
    seed: Annotated[int, _about("of the simulated card network and carrier")] = 1
    order_deadline_seconds: Annotated[
        float, _about("choreography: how long the order service waits for an order's end", gt=0)
    ] = 10.0
    step_timeout_seconds: Annotated[
        float, _about("orchestration: how long the orchestrator waits for a step's answer", gt=0)
    ] = 5.0
    external_latency_ms: Annotated[
        float, _about("mean answer time of the card network and the carrier", ge=0, le=10_000)
    ] = 1.0
    initial_stock: Annotated[int, _about("of each article, put in once", ge=0)] = 1_000_000
    tracker_patience_seconds: Annotated[
        float,
        _about("saga-tracker: after how long without a new event a saga counts as stuck", gt=0),
    ] = 5.0
    outbox_limit: Annotated[
        int,
        _about("messages that may wait for the broker before new orders are turned away", ge=1),
    ] = 20_000
    inbox_retention_seconds: Annotated[
        float,
        _about("how long a repeated message is recognised; longer than the topics keep it", gt=0),
    ] = 10 * 86_400.0
    saga_retention_seconds: Annotated[
        float,
        _about("how long the logs of sagas, and what joins have heard, are kept", gt=0),
    ] = 30 * 86_400.0
    session_timeout_seconds: Annotated[
        float, _about("how long a dead replica keeps its partitions", ge=6)
    ] = 45.0
    trace_link_only: Annotated[
        bool, _about("a message's handling is linked to its sending, and no child of it")
    ] = False
    span_journal: Annotated[
        str,
        _about("folder that outlives the process: its next life tells the spans that a kill took"),
    ] = ""
    log_level: Annotated[str, _about("a level of Python's `logging`")] = "INFO"

    @property
    def tracing(self) -> tuple[bool, str]:
        return self.trace_link_only, self.span_journal


def load_settings(environ: Mapping[str, str] = os.environ) -> Settings:
    return _load(Settings, environ)


def load_kafka_settings(environ: Mapping[str, str] = os.environ) -> KafkaSettings:
    """For whoever prepares Kafka and nothing else."""
    return _load(KafkaSettings, environ)


def _load(shape: type[Shape], environ: Mapping[str, str]) -> Shape:
    given = {
        name.removeprefix(PREFIX).lower(): value
        for name, value in environ.items()
        if name.startswith(PREFIX) and value
    }
    known = {name: given[name] for name in shape.__struct_fields__ if name in given}
    try:
        return _checked(msgspec.convert(known, shape, strict=False))
    except msgspec.ValidationError as error:
        raise SettingsError(f"{PREFIX}*: {error}") from error


def _checked(settings: Shape) -> Shape:
    if settings.kafka_security.startswith("SASL") and not settings.kafka_password:
        raise SettingsError(f"{PREFIX}KAFKA_PASSWORD is needed with {settings.kafka_security}")
    if settings.kafka_ca and not Path(settings.kafka_ca).is_file():
        raise SettingsError(f"{PREFIX}KAFKA_CA: there is no file {settings.kafka_ca}")
    return settings
