"""The operator's configuration, from its environment only."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Annotated

import msgspec
from msgspec import Meta

PREFIX = "BANDSTAND_OPERATOR_"


class SettingsError(ValueError):
    """A variable is missing or cannot be read; the text names it."""


def _about(text: str) -> Meta:
    return Meta(description=text)


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The descriptions are the reference in `docs/operator.md`."""

    namespace: Annotated[str, _about("whose Coordination is looked after")]
    identity: Annotated[str, _about("this replica's name, in the lease")]
    lease: Annotated[str, _about("the Lease that says which replica acts")]
    services: Annotated[str, _about("`name=url`, separated by commas; `order` is one of them")]
    token: Annotated[str, _about("bearer token of the order service's `PUT /coordination`")]
    prometheus: Annotated[str, _about("URL; without one no metric can be measured")] = ""
    selector: Annotated[
        str, _about('what else the ready-made metrics select by, such as `namespace="shop"`')
    ] = ""
    orchestrator: Annotated[
        str, _about("Deployment of the orchestrator; empty: it is not ours to scale")
    ] = ""
    port: Annotated[int, _about("of `/healthz`, `/readyz` and `/metrics`")] = 8080
    admission_port: Annotated[
        int, _about("where the API server asks, over TLS, whether a Policy makes sense")
    ] = 8443
    certificate: Annotated[
        str, _about("folder of its `tls.key` and `tls.crt`; empty: nobody asks")
    ] = ""
    log_level: Annotated[str, _about("a level of Python's `logging`")] = "INFO"

    @property
    def urls(self) -> dict[str, str]:
        pairs = [pair.strip().partition("=") for pair in self.services.split(",") if pair.strip()]
        return {name: url.rstrip("/") for name, _, url in pairs}


def load_settings(environ: Mapping[str, str] = os.environ) -> Settings:
    given = {
        name.removeprefix(PREFIX).lower(): value
        for name, value in environ.items()
        if name.startswith(PREFIX) and value
    }
    if unknown := sorted(given.keys() - set(Settings.__struct_fields__)):
        raise SettingsError(f"unknown: {', '.join(PREFIX + name.upper() for name in unknown)}")
    try:
        settings = msgspec.convert(given, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsError(f"{PREFIX}*: {error}") from error
    if "order" not in settings.urls:
        raise SettingsError(f"{PREFIX}SERVICES names no `order=url`")
    return settings
