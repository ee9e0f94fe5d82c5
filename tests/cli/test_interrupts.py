"""Ctrl-C while a command is still being loaded."""

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import Done, listen_to_sigint

# `kg stats`, to which Ctrl-C comes when the module is about to be imported
INTERRUPTED = """
import os, signal, sys

class Finder:
    def find_spec(name, *_):
        if name == {module!r}:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Finder)
from kg.cli.main import main
sys.argv = ["kg", "stats"]
main()
"""


def ignore_sigint() -> None:
    """For `preexec_fn`: as a shell starts what it runs in the background."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def interrupted(module: str, cwd: Path, start: Callable[[], None]) -> Done:
    command = [sys.executable, "-c", INTERRUPTED.format(module=module)]
    return subprocess.run(command, cwd=cwd, preexec_fn=start, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("module", ["typer", "ingest.errors", "kg.cli.streams", "kg.cli.stats", "kg.settings"])
def test_ctrl_c_while_a_command_is_loaded_ends_it_without_a_word(tmp_path: Path, module: str):
    done = interrupted(module, tmp_path, listen_to_sigint)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


@pytest.mark.usefixtures("data")
def test_a_command_in_the_background_does_not_hear_ctrl_c(tmp_path: Path):
    done = interrupted("typer", tmp_path, ignore_sigint)
    assert (done.returncode, done.stderr) == (0, "")
