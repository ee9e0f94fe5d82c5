"""The gateway's end of one worker process: starts it, sends it one request at a time, receives its answer, kills it."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import IO, cast

from kg.workers.allocator import GLIBC
from kg.workers.wire import FRAME, Kind, Request, pack_request

NOTHING: Mapping[str, str] = {}
BEHIND = 10  # niceness of a process that runs for long
PROCESS_TIME = 2  # clock_getcpuclockid(3), which Python has only for threads
REAP_S = 0.005  # between two looks whether a killed process is gone
HIGH_WATER_BYTES = 256 * 1024  # of an answer that the client has not taken yet


class Death(StrEnum):
    """Why a worker process ended."""

    DEADLINE = "deadline"
    CANCELLED = "cancelled"  # the client hung up
    PREEMPTED = "preempted"  # its query has to wait for a place among the long ones
    RETIRED = "retired"  # the pool is closing, or the worker grew too big
    MEMORY = "memory"
    STACK = "stack"
    CRASH = "crash"


class QueryFailedError(Exception):
    """A query did not end well: `reason` is a Death or what the worker reported ("syntax", "memory", "engine")."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Exchange:
    """One request's answer as it comes in. `first` resolves when the first bytes, the end or a failure is there."""

    __slots__ = ("_more", "_waiting", "complete", "failure", "first", "pieces", "plain")

    def __init__(self, first: asyncio.Future[None]) -> None:
        self.first = first
        self.pieces: list[bytes] = []
        self.complete = False
        self.plain = False  # it came whole and uncompressed
        self.failure: QueryFailedError | None = None
        self._more: asyncio.Future[None] | None = None
        self._waiting = 0

    def receive(self, piece: bytes) -> int:
        """Take a piece of the answer; returns the bytes that wait for the client."""
        self.pieces.append(piece)
        self._waiting += len(piece)
        self._wake()
        return self._waiting

    def finish(self, failure: QueryFailedError | None = None) -> None:
        """The answer is complete, or failed."""
        if not self.complete and self.failure is None:
            self.complete, self.failure = failure is None, failure
            self._wake()

    def _wake(self) -> None:
        if not self.first.done():
            self.first.set_result(None)
        if self._more is not None and not self._more.done():
            self._more.set_result(None)

    async def take(self) -> bytes:
        """What came in since the last call, b"" when the answer is complete and all taken. Raises QueryFailedError."""
        while not self.pieces:
            if self.failure is not None:
                raise self.failure
            if self.complete:
                return b""
            self._more = asyncio.get_running_loop().create_future()
            await self._more
        taken = b"".join(self.pieces)
        self.pieces.clear()
        self._waiting = 0
        return taken


class WorkerProcess(asyncio.Protocol):
    """One worker. `on_ready` is called when it can take a request (again), `on_death` once, when the process is gone."""

    def __init__(self, on_ready: Callable[["WorkerProcess"], None], on_death: Callable[["WorkerProcess"], None]) -> None:
        self._on_ready = on_ready
        self._on_death = on_death
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._stderr: IO[bytes] | None = None
        self._killed_for: Death | None = None
        self._stepped_back = False
        self.exchange: Exchange | None = None
        self.path: str | None = None  # of the snapshot it has open
        self.problems: list[str] = []  # what it could not give up
        self.gone = False
        self.death = Death.CRASH  # meaningful once it is gone

    @property
    def pid(self) -> int:
        """The process id, 0 before the start."""
        return self._process.pid if self._process else 0

    async def start(self, *, memory_mb: int, module: str = "kg.workers.worker", environment: Mapping[str, str] = NOTHING) -> None:
        """Start the process, with more in its environment, and connect to it; it reports itself ready later."""
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115  it lives as long as the process
        command = [sys.executable, "-P", "-m", module, str(theirs.fileno()), str(memory_mb), str(os.getpid())]
        kept = {k: v for k, v in os.environ.items() if k in ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "VIRTUAL_ENV", "LANG", "SYSTEMROOT")}
        # From the event loop's own thread: the kernel ends a worker with the thread that started it.
        self._process = subprocess.Popen(  # noqa: S603
            command,
            pass_fds=(theirs.fileno(),),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self._stderr,
            env={**kept, **GLIBC, **environment},
        )
        theirs.close()
        await asyncio.get_running_loop().create_connection(lambda: self, sock=ours)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio.Protocol."""
        self._transport = cast(asyncio.Transport, transport)  # a stream socket's; uvloop's own class is not a subclass

    def send(self, request: Request, exchange: Exchange | None, *, path: str = "", body: bytes = b"") -> None:
        """Send a request, to be run on the snapshot at `path`; its answer goes to `exchange` (None: nobody waits for it).

        `body` is what `wire.packed` made of it, where that was called already.
        """
        assert self._transport is not None  # noqa: S101  only a ready worker is sent requests
        self.exchange = exchange
        self.path = path or request.path
        self._transport.write(pack_request(request, path, body))

    def data_received(self, data: bytes) -> None:
        """asyncio.Protocol: whole frames are handled, the rest is kept."""
        if self._killed_for:
            return  # what it still said must not make anybody believe that it is free
        if self._buffer:
            self._buffer += data
            data = bytes(self._buffer)
        start, length = 0, len(data)
        while length - start >= FRAME.size:
            kind, size = FRAME.unpack_from(data, start)
            end = start + FRAME.size + size
            if length < end:
                break
            self._handle(kind, data[start + FRAME.size : end])
            start = end
        self._buffer = bytearray(data[start:])

    def _handle(self, kind: int, payload: bytes) -> None:
        exchange = self.exchange
        if kind == Kind.DATA:
            if exchange and exchange.receive(payload) > HIGH_WATER_BYTES and self._transport:
                self._transport.pause_reading()
            return
        if kind == Kind.WHOLE and exchange:
            exchange.plain = True
            exchange.pieces.append(payload)
        if kind == Kind.READY:
            self.problems = json.loads(payload)
        elif exchange:
            exchange.finish(_failure(payload) if kind == Kind.FAILED else None)
        self.exchange = None
        self._on_ready(self)

    def resume(self) -> None:
        """Read on: the client took what was waiting."""
        if self._transport and not self._transport.is_closing():
            self._transport.resume_reading()

    def processor_s(self) -> float:
        """The processor time that it has had; where the system does not tell, the time of day, which differs by as much or more."""
        if sys.platform == "linux":
            with contextlib.suppress(OSError):
                return time.clock_gettime((~self.pid << 3) | PROCESS_TIME)
        return time.monotonic()

    def step_back(self) -> None:
        """Let every other process have the processor first."""
        if self._stepped_back or self._process is None or self._process.poll() is not None:
            return  # its number may be another process's by now
        self._stepped_back = True
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, self.pid, BEHIND)

    def step_up(self) -> bool:
        """Take it like every other process again; False where that is a privilege (setpriority(2))."""
        try:
            if self._stepped_back:
                os.setpriority(os.PRIO_PROCESS, self.pid, os.getpriority(os.PRIO_PROCESS, 0))
        except OSError:
            return False
        self._stepped_back = False
        return True

    def kill(self, reason: Death) -> None:
        """End the process now, whatever it does."""
        self._killed_for = self._killed_for or reason
        if self._process and self._process.poll() is None:
            self._process.kill()
        self.resume()  # so that the end of the stream is seen

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio.Protocol: the process is gone, or going."""
        if self._process:
            self._process.kill()
        self._end()

    def _end(self) -> None:
        """Tell of the process's end, when it is over: with much memory to give back that takes a while, in which others are answered."""
        if self._process and self._killed_for and self._process.poll() is None:
            asyncio.get_running_loop().call_later(REAP_S, self._end)
            return
        if self._process:
            self._process.wait()
        death, message = self._cause()
        if self.exchange:
            self.exchange.finish(QueryFailedError(death, message))
            self.exchange = None
        if self._stderr:
            self._stderr.close()
        self.gone, self.death = True, death
        self._on_death(self)

    def _cause(self) -> tuple[Death, str]:
        """Why the process ended, and in words."""
        if self._killed_for:
            return self._killed_for, f"stopped: {self._killed_for}"
        said = self._last_words()
        code = self._process.returncode if self._process else 0
        if "memory allocation" in said or "bad_alloc" in said or "MemoryError" in said or code == -signal.SIGKILL:
            return Death.MEMORY, "the query needs more memory than it may have"
        if code == -signal.SIGSEGV or "overflowed its stack" in said:
            return Death.STACK, "the query is nested too deeply or chains too many operators"
        return Death.CRASH, f"the query broke its worker (exit status {code})"

    def _last_words(self) -> str:
        if self._stderr is None:
            return ""
        self._stderr.seek(0)
        return self._stderr.read(8192).decode(errors="replace")


def _failure(payload: bytes) -> QueryFailedError:
    problem = json.loads(payload)
    return QueryFailedError(problem["reason"], problem["message"])
