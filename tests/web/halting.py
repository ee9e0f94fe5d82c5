"""`python halting.py SERVE-ARGUMENTS`: `kg serve` whose writer halts after each transaction, once for a file `halt` in its data directory.

As a writer (`python -m halting FD MEMORY_MB PARENT`) it is that module with a sync that takes its time.
"""

import sys
import time

HALT_S = 60


def serve() -> None:
    """What `kg serve` does, with such a writer."""
    from kg.cli.main import main
    from kg.web import writes

    writes.WRITER = "halting"
    main()


def write() -> None:
    """What the writer process does."""
    from kg.store import Writer
    from kg.workers.writer import main

    synced = Writer.sync

    def sync(writer: Writer) -> None:
        synced(writer)
        halt = writer.data.path / "halt"
        if halt.exists():
            halt.unlink()
            time.sleep(HALT_S)

    Writer.sync = sync
    main()


if __name__ == "__main__":
    serve() if "serve" in sys.argv else write()
