"""`bandstand demo` from a terminal, and Ctrl-C at any moment of it."""

import json
import sys
from pathlib import Path

import pytest

from tests.integration.terminal import in_terminal, left_of, press_ctrl_c, until

BANDSTAND = Path(sys.executable).with_name("bandstand")
INTERRUPTED = 130
PATIENCE = 180  # `up` itself waits for two minutes, `verify` for one
MOMENTS = {
    "the stack starts": "PostgreSQL: ",
    "a burst": "as fast as they end",
    "the storm": "switched to orchestration",
}


@pytest.fixture
def bandstand(home):
    """`bandstand("up", ...)`: what it printed, once it has ended well."""

    def run(*words):
        with in_terminal(home, BANDSTAND, *words) as process:
            said, _ = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, said
        return said

    return run


def test_ctrl_c_at_any_moment_leaves_nothing_and_nothing_half(home, bandstand, tmp_path):
    """One state folder for all moments: each start meets what the one before has left."""
    demo = (BANDSTAND, "demo", "--once", "--orders", "50", "--folder", tmp_path)
    for moment, words in MOMENTS.items():
        with in_terminal(home, *demo) as process:
            until(process, words)
            press_ctrl_c(process)
            said, _ = process.communicate(timeout=PATIENCE)
            assert process.returncode == INTERRUPTED, (moment, said)
            assert left_of(home, process) == [], moment
        assert "Traceback" not in said, (moment, said)
        assert not home.stack_file.exists(), moment
    assert list(tmp_path.iterdir()) == []
    bandstand("up")
    rules = json.loads(bandstand("faults", "show", "--json")).values()
    assert not any(each["rules"] for each in rules)
    bandstand("verify")
    bandstand("down")
