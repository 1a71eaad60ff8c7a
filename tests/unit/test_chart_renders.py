"""What Helm makes of each profile is what `renders/` shows."""

from __future__ import annotations

import pytest

from tests.unit.renders import PROFILES, path, render


@pytest.mark.parametrize("profile", PROFILES)
def test_the_chart_renders_as_committed(profile: str) -> None:
    assert render(profile) == path(profile).read_text(), "look at what `make renders` changes"
