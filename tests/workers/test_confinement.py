"""What a confined process can still do, tried in one."""

import json
import subprocess
import sys

import pytest

ATTEMPTS = {
    "socket": "import socket; socket.socket()",
    "unix socket": "import socket; socket.socket(socket.AF_UNIX)",
    "socket pair": "import socket; socket.socketpair()",
    "other program": "import subprocess; subprocess.run(['/bin/true'])",
    "write": "open('{folder}/new', 'w')",
    "append": "open('{folder}/there', 'a')",
    "rename": "import os; os.rename('{folder}/there', '{folder}/gone')",
    "remove": "import os; os.remove('{folder}/there')",
    "make a directory": "import os; os.mkdir('{folder}/made')",
    "change the mode": "import os; os.chmod('{folder}/there', 0o777)",
    "link": "import os; os.link('{folder}/there', '{folder}/link')",
    "change the owner's times": "import os; os.utime('{folder}/there', (1, 1))",
    "set an attribute": "import os; os.setxattr('{folder}/there', 'user.a', b'1')",
    "another root": "import os; os.chroot('{folder}')",
    "a signal": "import os; os.kill(os.getppid(), 0)",
    "a handle on a process": "import os; os.pidfd_open(os.getppid())",
    "memory": "import mmap; mmap.mmap(-1, 512 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)",
}


def attempt(code: str, *, may_write: bool = False) -> str:
    """What the attempt ends with in a process confined to 256 MiB: "done" or the name of an exception."""
    program = f"""
import json
from kg.workers.confine import confine
problems = confine(256, may_write={may_write})
try:
    exec({code!r})
    outcome = "done"
except BaseException as error:
    outcome = type(error).__name__
print(json.dumps([problems, outcome]))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    problems, outcome = json.loads(done.stdout)
    assert problems == []
    return outcome


@pytest.mark.parametrize("name", ATTEMPTS)
def test_a_worker_can_neither_reach_out_nor_write(name: str, tmp_path):
    (tmp_path / "there").write_text("kept")
    assert attempt(ATTEMPTS[name].format(folder=tmp_path)) in ("OSError", "PermissionError", "MemoryError")
    assert [path.name for path in tmp_path.iterdir()] == ["there"]
    assert (tmp_path / "there").read_text() == "kept"


def test_a_worker_can_abort_itself_but_signal_no_other_process():
    by_thread = "import ctypes, os, platform; number = {'x86_64': 234}.get(platform.machine(), 131); own = os.getpid()\n"
    call = "if ctypes.CDLL(None).syscall(number, %s, %s, 0): raise PermissionError"
    assert attempt(by_thread + call % ("own", "own")) == "done"
    assert attempt(by_thread + call % ("os.getppid()", "os.getppid()")) == "PermissionError"


@pytest.mark.parametrize("name", ["socket", "other program", "memory"])
def test_a_writer_can_write_but_not_reach_out(name: str, tmp_path):
    assert attempt(ATTEMPTS[name], may_write=True) in ("OSError", "PermissionError")
    assert attempt(ATTEMPTS["write"].format(folder=tmp_path), may_write=True) == "done"
