"""A missing program skips a test, or fails it where all must be there."""

from __future__ import annotations

import pytest

from tests.tools import REQUIRED, lacking


def test_a_missing_tool_skips_and_says_what_was_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(REQUIRED, raising=False)
    with pytest.raises(pytest.skip.Exception, match="not run: no piano"):
        lacking("no piano")


def test_a_missing_tool_fails_where_all_must_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(REQUIRED, "1")
    with pytest.raises(pytest.fail.Exception, match="no piano"):
        lacking("no piano")
