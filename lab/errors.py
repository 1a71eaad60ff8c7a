"""What can go wrong for a user of the command line, and the exit code scripts see.

    BandstandError          1   something the user can act on
    ├── ViolationError      1   the command worked and found something wrong (a broken invariant)
    ├── MissingError        3   nothing here provides what is needed: install what the message names
    ├── NoStackError        4   no stack is running: `bandstand up`
    ├── NotReadyError       5   something did not become ready in time
    └── RefusedError        6   a service answered with a problem (wrong token, stale epoch, ...)

Usage errors (an unknown option, a bad value) are typer's: 2. Ctrl-C and SIGTERM: 130.
Anything else is a bug in bandstand and shows its traceback.
"""


class BandstandError(Exception):
    """One line for the user; the only exceptions `main` turns into an exit code."""

    exit_code = 1


class ViolationError(BandstandError):
    exit_code = 1


class MissingError(BandstandError):
    exit_code = 3


class NoStackError(BandstandError):
    exit_code = 4

    def __init__(self, message: str = "no stack is running; run `bandstand up`") -> None:
        super().__init__(message)


class NotReadyError(BandstandError):
    exit_code = 5


class RefusedError(BandstandError):
    exit_code = 6
