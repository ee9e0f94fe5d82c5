"""What a worker gives up before its first query: network, writing, other programs, and memory beyond its cap.

The second of two layers (the first refuses SERVICE and LOAD before a query gets here). It needs no privilege: a seccomp filter
(seccomp(2), SECCOMP_SET_MODE_FILTER) with `no_new_privs`, written as classic BPF so that nothing but the kernel is needed. What the
kernel does not allow is reported, never passed over in silence.
"""

import ctypes
import errno
import os
import platform
import resource
import signal
import struct
import sys
from typing import NamedTuple

PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 1, 38, 22, 2  # <linux/prctl.h>, <linux/seccomp.h>
ALLOW, KILL, ERRNO = 0x7FFF0000, 0x80000000, 0x00050000  # SECCOMP_RET_*
LOAD_WORD, JUMP_EQUAL, JUMP_AT_LEAST, JUMP_ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06  # BPF_LD|W|ABS, BPF_JMP|JEQ, JGE, JSET, BPF_RET|K
NUMBER, ARCHITECTURE, ARGUMENTS = 0, 4, 16  # offsets in struct seccomp_data
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
X32_BIT = 0x40000000


class System(NamedTuple):
    """The system calls of one architecture: its AUDIT_ARCH, those that reach out, those that change files, and those that open them.

    `calling` are those of `connecting` that a client of a service needs: socket connect bind. `own`: those that may only be asked for this
    process itself, which their first argument names.
    """

    audit: int
    calling: tuple[int, ...]
    connecting: tuple[int, ...]
    changing: tuple[int, ...]
    opening: tuple[tuple[int, int], ...]
    own: tuple[int, ...]


# Connecting: socket connect accept bind listen socketpair accept4 (what is connected already may go on); execve execveat ptrace
# process_vm_readv process_vm_writev; io_uring_setup (a way around the rest); mount umount2 pivot_root chroot unshare setns bpf; open_tree
# move_mount fsopen fsconfig fsmount fspick mount_setattr; kill tkill rt_sigqueueinfo rt_tgsigqueueinfo pidfd_send_signal pidfd_open
# pidfd_getfd.
# Changing: creat rename link symlink unlink mkdir rmdir truncate ftruncate fallocate chmod chown mknod and their *at forms; fchmodat2;
# openat2 (its flags are behind a pointer); open_by_handle_at; setxattr removexattr and their l, f and at forms; utime utimes
# futimesat utimensat. Opening: open and openat, with the index of the flags. Own: tgkill, by which a process aborts.
SYSTEMS = {
    "x86_64": System(
        audit=0xC000003E,
        calling=(41, 42, 49),
        connecting=(
            *(41, 42, 43, 49, 50, 53, 288, 59, 322, 101, 310, 311, 425, 165, 166, 155, 161, 272, 308, 321),
            *(428, 429, 430, 431, 432, 433, 442, 62, 200, 129, 297, 424, 434, 438),
        ),
        changing=(
            *(85, 82, 86, 88, 87, 83, 84, 76, 77, 285, 90, 91, 92, 93, 94, 133),
            *(264, 316, 265, 266, 263, 258, 268, 260, 259, 452, 437, 304),
            *(188, 189, 190, 197, 198, 199, 463, 466, 132, 235, 261, 280),
        ),
        opening=((2, 1), (257, 2)),
        own=(234,),
    ),
    "aarch64": System(
        audit=0xC00000B7,
        calling=(198, 203, 200),
        connecting=(
            *(198, 203, 202, 200, 201, 199, 242, 221, 281, 117, 270, 271, 425, 40, 39, 41, 51, 97, 268, 280),
            *(428, 429, 430, 431, 432, 433, 442, 129, 130, 138, 240, 424, 434, 438),
        ),
        changing=(
            *(38, 276, 37, 36, 35, 34, 45, 46, 47, 52, 53, 54, 55, 33, 452, 437, 265),
            *(5, 6, 7, 14, 15, 16, 463, 466, 88),
        ),
        opening=((56, 2),),
        own=(131,),
    ),
}


def confine(memory_mb: int, *, may_write: bool = False, may_connect: bool = False) -> list[str]:
    """Give up network, writing and memory beyond the cap, in this thread and all to come; returns what could not be given up."""
    problems = [*_limit_memory(memory_mb), *_die_with_parent()]
    return [*problems, *_filter_calls(may_write=may_write, may_connect=may_connect)]


def _limit_memory(memory_mb: int) -> list[str]:
    if not memory_mb:
        return []
    cap = memory_mb * 1024 * 1024
    try:
        resource.setrlimit(resource.RLIMIT_DATA, (cap, cap))  # Linux ≥ 4.7 counts private writable mappings, not only brk
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except (ValueError, OSError) as error:
        return [f"memory is not capped: {error}"]
    return []


def _die_with_parent() -> list[str]:
    if sys.platform != "linux":
        return ["a worker may outlive a killed server: prctl is only on Linux"]
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    return []


def _filter_calls(*, may_write: bool, may_connect: bool) -> list[str]:
    system = SYSTEMS.get(platform.machine())
    if sys.platform != "linux" or system is None:
        return [f"no system call filter for {sys.platform} on {platform.machine()}: network and writing are not closed"]
    try:
        _prctl(PR_SET_NO_NEW_PRIVS, 1)
        _install(_program(system, may_write=may_write, may_connect=may_connect))
    except OSError as error:
        return [f"the kernel refused the system call filter ({error}): network and writing are not closed"]
    return []


def _program(system: System, *, may_write: bool, may_connect: bool) -> list[tuple[int, int, int, int]]:
    """The filter as (code, jump if true, jump if false, operand): refused calls get EPERM, opening to write gets EROFS."""
    refuse = (RETURN, 0, 0, ERRNO | errno.EPERM)
    program = [
        (LOAD_WORD, 0, 0, ARCHITECTURE),
        (JUMP_EQUAL, 1, 0, system.audit),
        (RETURN, 0, 0, KILL),
        (LOAD_WORD, 0, 0, NUMBER),
        (JUMP_AT_LEAST, 0, 1, X32_BIT),
        (RETURN, 0, 0, KILL),
    ]
    connecting = [number for number in system.connecting if not (may_connect and number in system.calling)]
    for number in (*connecting, *(() if may_write else system.changing)):
        program += [(JUMP_EQUAL, 0, 1, number), refuse]
    for number in system.own:
        program += [
            (JUMP_EQUAL, 0, 4, number),
            (LOAD_WORD, 0, 0, ARGUMENTS),
            (JUMP_EQUAL, 1, 0, os.getpid()),
            refuse,
            (RETURN, 0, 0, ALLOW),
        ]
    for number, argument in () if may_write else system.opening:
        program += [
            (JUMP_EQUAL, 0, 4, number),
            (LOAD_WORD, 0, 0, ARGUMENTS + 8 * argument),
            (JUMP_ANY_BIT, 0, 1, WRITING),
            (RETURN, 0, 0, ERRNO | errno.EROFS),
            (RETURN, 0, 0, ALLOW),
        ]
    return [*program, (RETURN, 0, 0, ALLOW)]


def _install(program: list[tuple[int, int, int, int]]) -> None:
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *line) for line in program))
    header = ctypes.create_string_buffer(struct.pack("@HP", len(program), ctypes.addressof(code)))
    _prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.addressof(header))


def _prctl(option: int, value: int, pointer: int = 0) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, ctypes.c_ulong(value), ctypes.c_ulong(pointer), ctypes.c_ulong(0), ctypes.c_ulong(0)) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
