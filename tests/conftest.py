"""For all tests."""

import signal

# A script that starts them in the background has them ignore Ctrl-C, and so would every process
# that they start and interrupt: `nohup make test &` would wait for those without end.
signal.signal(signal.SIGINT, signal.default_int_handler)
