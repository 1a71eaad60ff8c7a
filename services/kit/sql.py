"""How a whole batch goes to PostgreSQL as one parameter.

psycopg dumps arrays element by element in Python; one JSON document is encoded and parsed in C,
and `json_to_recordset` makes rows of it again. Bytes travel as base64.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

_encode = msgspec.json.Encoder().encode


def rows(records: Iterable[dict[str, Any]]) -> str:
    """The parameter of a `json_to_recordset`; each record names its columns."""
    return _encode(list(records)).decode()


def ids(values: Iterable[str]) -> str:
    """The parameter of an `ANY(%s::uuid[])` or `text[]`, for ids that need no quoting."""
    return "{" + ",".join(values) + "}"
