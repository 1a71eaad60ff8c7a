"""Connections to the API server, for kopf and for lightkube.

Since Python 3.13 a certificate authority must name its key usage (VERIFY_X509_STRICT); those of
many clusters do not. They are verified in all other ways, as every Python before did.
"""

from __future__ import annotations

import ssl
from dataclasses import fields
from typing import Any

import httpx2
import kopf
from lightkube import Client, KubeConfig
from lightkube.config.client_adapter import verify_cluster

TIMEOUT_SECONDS = 10.0


def lenient(context: ssl.SSLContext) -> ssl.SSLContext:
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


def make_client(namespace: str) -> Client:
    config = KubeConfig.from_env().get()
    assert config is not None
    assert config.user is not None
    context = lenient(verify_cluster(config.cluster, config.user, config.abs_file))
    transport = httpx2.HTTPTransport(verify=context)
    timeout = httpx2.Timeout(TIMEOUT_SECONDS)
    return Client(config, namespace=namespace, timeout=timeout, transport=transport)


class Connection(kopf.ConnectionInfo):
    def as_ssl_context(self) -> ssl.SSLContext:
        return lenient(super().as_ssl_context())


def log_in(**given: Any) -> Connection | None:
    """In a pod by its service account, elsewhere by the kubeconfig."""
    for way in (kopf.login_with_service_account, kopf.login_with_kubeconfig):
        if (found := way(**given)) is not None:
            return Connection(**{each.name: getattr(found, each.name) for each in fields(found)})
    return None
