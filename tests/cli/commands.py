"""`kg` as its own process."""

import os
import signal
import subprocess
import sys
from pathlib import Path

KG = str(Path(sys.executable).with_name("kg"))
ROOT = Path(__file__).resolve().parents[2]
STAKE = ROOT / "examples" / "microsoft-mistral-partnership.md"

type Done = subprocess.CompletedProcess[str]


def call(*arguments: object, cwd: Path, stdin: str = "", **variables: str) -> Done:
    """Runs `kg` with these arguments and KG_* variables, in `cwd`."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("KG_")}
    environment = {**clean, "COLUMNS": "200", **variables}
    command = [KG, *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, env=environment, input=stdin, capture_output=True, text=True, timeout=120)


def listen_to_sigint() -> None:
    """For `preexec_fn`: takes SIGINT also where the tests run in the background of a shell, which would have it ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
