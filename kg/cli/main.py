"""The entry point of `kg`. All that it needs takes a while to load, in which Ctrl-C may come as well as later."""

import os
import signal
import sys
from types import FrameType

_INTERRUPTED = 130  # 128 + SIGINT


def main() -> None:
    """Runs a command and ends with its exit code; at Ctrl-C without a word."""
    listens = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # not in the background of a shell
    try:
        if listens:
            signal.signal(signal.SIGINT, _leave)
        from kg.cli import commands

        if listens:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        sys.exit(commands.run())
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)


def _leave(_signal: int, _frame: FrameType | None) -> None:
    """Ends the process at once: an exception could be lost in what is being imported, and nothing has begun that would have to be ended."""
    os._exit(_INTERRUPTED)
