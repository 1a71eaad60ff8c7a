"""promtool, which is downloaded once if it is not here."""

import pytest

from lab.errors import MissingError
from observability.prometheus import find_prometheus
from tests.tools import lacking


@pytest.fixture(scope="session")
def promtool():
    try:
        return find_prometheus().promtool
    except MissingError as missing:
        lacking(str(missing))
