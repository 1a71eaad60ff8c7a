"""Programs that some tests need and a machine may lack."""

import os
from typing import NoReturn

import pytest

REQUIRED = "BANDSTAND_REQUIRE_TOOLS"


def lacking(what: str) -> NoReturn:
    """Skips, and the summary of the run says so; a failure where all tools must be there, as in
    CI, so that nothing is left out unseen."""
    if os.environ.get(REQUIRED):
        pytest.fail(f"{what}, and {REQUIRED} says that no tool may be missing", pytrace=False)
    pytest.skip(f"not run: {what}")
