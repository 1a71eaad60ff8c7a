"""A process's configuration, from its environment only."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Annotated

import msgspec
from msgspec import Meta

PREFIX = "BANDSTAND_"


class SettingsError(ValueError):
    """A variable is missing or cannot be read; the text names it."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    database_url: str
    kafka: str
    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535)] = 8080
    instance: str = ""
    token: str = ""
    seed: int = 1
    partitions: Annotated[int, Meta(ge=1, le=1000)] = 4
    order_deadline_seconds: Annotated[float, Meta(gt=0)] = 10.0
    step_timeout_seconds: Annotated[float, Meta(gt=0)] = 5.0
    external_latency_ms: Annotated[float, Meta(ge=0, le=10_000)] = 1.0
    initial_stock: Annotated[int, Meta(ge=0)] = 1_000_000
    session_timeout_seconds: Annotated[float, Meta(ge=6)] = 45.0
    log_level: str = "INFO"

    @property
    def bootstrap(self) -> list[str]:
        return [server.strip() for server in self.kafka.split(",") if server.strip()]


def load_settings(environ: Mapping[str, str] = os.environ) -> Settings:
    given = {
        name.removeprefix(PREFIX).lower(): value
        for name, value in environ.items()
        if name.startswith(PREFIX) and value
    }
    known = {name: given[name] for name in Settings.__struct_fields__ if name in given}
    try:
        return msgspec.convert(known, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsError(f"{PREFIX}*: {error}") from error
