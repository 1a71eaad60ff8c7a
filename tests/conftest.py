"""For all tests."""

import signal
from collections import Counter

import pytest
from hypothesis import HealthCheck, settings

# Hypothesis decides the same way every time, and minds no slow machine: a red build can be looked
# at tomorrow. Here, as `@given` takes its settings when a module is imported.
settings.register_profile(
    "bandstand",
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("bandstand")

# A script that starts them in the background has them ignore Ctrl-C, and so would every process
# that they start and interrupt: `nohup make test &` would wait for those without end.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items):
    """Of tests with one id all but one would be lost where they are shared out."""
    doubles = [name for name, count in Counter(item.nodeid for item in items).items() if count > 1]
    if doubles:
        raise pytest.UsageError(f"several tests are called {', '.join(doubles)}")
