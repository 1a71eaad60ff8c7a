"""Starts a stack of stand-ins, tells each step on stdout, and holds it until a signal.

A process of its own, because Ctrl-C and SIGKILL are what the tests send to it.
"""

import signal
import sys
from pathlib import Path

from lab.cli import end_on_sigterm
from lab.stack.options import StackOptions
from lab.stack.run import running_stack
from tests.integration.own_ports import keep_to_own_ports

STAND_IN = (sys.executable, str(Path(__file__).with_name("stand_in_service.py")))


class Lines:
    def say(self, line):
        print(line, flush=True)

    waiting = say


def main(services):
    options = StackOptions(services=services, service_command=STAND_IN, known_ports=False)
    end_on_sigterm()
    keep_to_own_ports()
    with running_stack(options, Lines()):
        print("ready", flush=True)
        signal.pause()


if __name__ == "__main__":
    try:
        main(tuple(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
