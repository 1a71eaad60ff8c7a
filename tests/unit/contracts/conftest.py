from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from services.contracts.asyncapi import asyncapi
from services.contracts.openapi import openapi

Document = dict[str, Any]
Change = Callable[[Document], None]


@pytest.fixture(scope="session")
def messages() -> Document:
    return asyncapi()


@pytest.fixture(scope="session")
def order_api() -> Document:
    return openapi("order")


@pytest.fixture(scope="session")
def after() -> Callable[[Change, Document], Document]:
    """A changed copy of a document."""

    def changed(change: Change, document: Document) -> Document:
        copied = copy.deepcopy(document)
        change(copied)
        return copied

    return changed
