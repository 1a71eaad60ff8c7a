"""For all tests."""

import signal
from collections import Counter

import pytest

# A script that starts them in the background has them ignore Ctrl-C, and so would every process
# that they start and interrupt: `nohup make test &` would wait for those without end.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items):
    """Of tests with one id all but one would be lost where they are shared out."""
    doubles = [name for name, count in Counter(item.nodeid for item in items).items() if count > 1]
    if doubles:
        raise pytest.UsageError(f"several tests are called {', '.join(doubles)}")
