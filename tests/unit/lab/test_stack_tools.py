"""External programs, and interrupts while they run."""

import os
import signal
import time

import pytest

from lab.stack.home import Home
from lab.stack.interrupts import interrupts_held
from lab.stack.processes import processes_of, resident_bytes
from lab.stack.tools import ToolError, run_tool


def test_a_held_interrupt_happens_right_after_the_block():
    done = []

    def work():
        with interrupts_held():
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGTERM)
            done.append("all of it")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert done == ["all of it"]


def test_handlers_are_given_back():
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with interrupts_held():
        assert signal.getsignal(signal.SIGINT) is not before[0]
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_a_tool_is_given_its_input_and_its_output_is_kept(tmp_path):
    assert run_tool(Home(tmp_path), ["cat"], stdin="sheet music") == "sheet music"


def test_a_failing_tool_is_quoted(tmp_path):
    with pytest.raises(ToolError, match=r"sh failed: no \| such \| tune"):
        run_tool(Home(tmp_path), ["sh", "-c", "printf 'first\\nno\\nsuch\\ntune\\n'; exit 1"])


def test_an_interrupted_tool_ends_with_all_its_children(tmp_path):
    home = Home(tmp_path)
    script = f"sleep 600 & kill -INT {os.getpid()}; sleep 600"
    with pytest.raises(KeyboardInterrupt):
        run_tool(home, ["sh", "-c", script])
    deadline = time.monotonic() + 10
    while processes_of(home) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert processes_of(home) == []


def test_memory_of_a_process_that_is_gone_is_nothing():
    assert resident_bytes(os.getpid()) > 1_000_000
    assert resident_bytes(2**22 + 1) == 0
