"""`python unconfined.py SERVE-ARGUMENTS`: `kg serve` whose workers give up nothing, to see what the first layer keeps out alone.

As a worker (`python -m unconfined MODULE FD MEMORY_MB PARENT`) it is that module with a `confine` that does nothing.
"""

import os
import runpy
import sys
from pathlib import Path

from kg.workers import confine, process

HERE = Path(__file__).parent


def worker(module: str) -> None:
    confine.confine = lambda *_, **__: ["switched off by a test"]
    del sys.argv[1]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def serve() -> None:
    started = process.subprocess.Popen

    def popen(command: list[str], **options):
        python, _, _, module, *arguments = command
        return started([python, str(HERE / "unconfined.py"), "--worker", module, *arguments], **options)

    class Patched:
        DEVNULL = process.subprocess.DEVNULL
        Popen = staticmethod(popen)

    process.subprocess = Patched
    from kg.cli.main import main

    sys.argv = ["kg", "serve", *sys.argv[1:]]
    main()


if __name__ == "__main__":
    if sys.argv[1] == "--worker":
        del sys.argv[1]
        worker(sys.argv[1])
    else:
        os.environ.pop("KG_DATA", None)
        serve()
