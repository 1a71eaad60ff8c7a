"""Configuration is the environment, and a mistake in it is named."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kit.settings import SettingsError, load_settings

NEEDED = {"BANDSTAND_DATABASE_URL": "postgresql://x", "BANDSTAND_KAFKA": "a:1, b:2,"}


def test_the_needed_ones_are_enough():
    settings = load_settings(NEEDED)
    assert settings.bootstrap == ["a:1", "b:2"]
    assert (settings.port, settings.seed, settings.partitions) == (8080, 1, 4)
    assert (settings.order_deadline_seconds, settings.step_timeout_seconds) == (10.0, 5.0)


def test_numbers_are_read_from_text():
    settings = load_settings(
        {**NEEDED, "BANDSTAND_PORT": "0", "BANDSTAND_ORDER_DEADLINE_SECONDS": "2.5"}
    )
    assert (settings.port, settings.order_deadline_seconds) == (0, 2.5)


def test_an_empty_variable_is_an_absent_one():
    assert load_settings({**NEEDED, "BANDSTAND_PORT": ""}).port == 8080


def test_what_is_not_known_is_left_alone():
    settings = load_settings({**NEEDED, "BANDSTAND_HOME": "/x", "PORT": "1"})
    assert settings.port == 8080


@pytest.mark.parametrize("missing", NEEDED)
def test_a_missing_variable_is_named(missing):
    environ = {name: value for name, value in NEEDED.items() if name != missing}
    with pytest.raises(SettingsError, match=missing.removeprefix("BANDSTAND_").lower()):
        load_settings(environ)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "65536"),
        ("PORT", "http"),
        ("PARTITIONS", "0"),
        ("ORDER_DEADLINE_SECONDS", "0"),
        ("STEP_TIMEOUT_SECONDS", "-1"),
        ("SEED", "lucky"),
        ("EXTERNAL_LATENCY_MS", "-1"),
        ("SESSION_TIMEOUT_SECONDS", "1"),
        ("OUTBOX_LIMIT", "0"),
        ("INBOX_RETENTION_SECONDS", "0"),
        ("SAGA_RETENTION_SECONDS", "-1"),
    ],
)
def test_a_value_that_cannot_be_is_named(name, value):
    with pytest.raises(SettingsError, match=name.lower()):
        load_settings({**NEEDED, f"BANDSTAND_{name}": value})


@given(st.dictionaries(st.sampled_from(["PORT", "SEED", "PARTITIONS", "TOKEN"]), st.text()))
def test_any_text_is_settings_or_an_error_of_settings(given_text):
    environ = {f"BANDSTAND_{name}": value for name, value in given_text.items()}
    try:
        settings = load_settings({**NEEDED, **environ})
    except SettingsError:
        return
    assert 0 <= settings.port <= 65535
    assert settings.partitions >= 1
