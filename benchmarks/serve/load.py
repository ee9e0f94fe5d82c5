"""A load generator: clients that each send one request after the other over one connection, for some seconds.

wrk (https://github.com/wg/wrk, Debian package wrk) where it is installed: it takes the least from the servers that it measures. Else raw
sockets on asyncio; the report says which.
"""

import asyncio
import json
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from itertools import count, cycle
from pathlib import Path
from urllib.parse import quote, urlsplit

SCRIPT = Path(__file__).with_name("load.lua")
WRK = shutil.which("wrk")
NAME = "wrk" if WRK else "asyncio"


@dataclass(frozen=True, slots=True)
class Measured:
    """What one server did in one go. `failed` answers had another status than 200, or none."""

    per_second: float
    p50_ms: float
    p99_ms: float
    failed: int


def measure(url: str, queries: list[str], *, clients: int, seconds: float, accept: str, again: bool) -> Measured:
    """Sends the queries in turn. `again`: the same texts again and again; else each text is sent once, by a comment that counts."""
    paths = [f"{urlsplit(url).path}?query={quote(query)}" for query in queries]
    run = _with_wrk if WRK else _with_asyncio
    return run(url, paths, clients, seconds, accept, again)


def _with_wrk(url: str, paths: list[str], clients: int, seconds: float, accept: str, again: bool) -> Measured:
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("\n".join(paths))
        file.flush()
        mark = "" if again else str(time.time_ns())
        duration = ("--duration", f"{max(1, round(seconds))}s", "--timeout", "60s")
        command = [
            str(WRK),
            "--threads",
            "1",
            "--connections",
            str(clients),
            *duration,
            "--script",
            str(SCRIPT),
            url,
            file.name,
            accept,
            mark,
        ]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    found = json.loads(done.stdout.splitlines()[-1])
    return Measured(found["requests"] / found["seconds"], found["p50"] / 1000, found["p99"] / 1000, found["failed"])


def _with_asyncio(url: str, paths: list[str], clients: int, seconds: float, accept: str, again: bool) -> Measured:
    return asyncio.run(_Clients(url, paths, accept, again).run(clients, seconds))


class _Clients:
    def __init__(self, url: str, paths: list[str], accept: str, again: bool) -> None:
        parts = urlsplit(url)
        self.host, self.port = parts.hostname or "", parts.port or 80
        self.tail = f" HTTP/1.1\r\nHost: {parts.netloc}\r\nAccept: {accept}\r\n\r\n"
        self.paths = cycle(paths)
        self.mark = "" if again else f"%23{time.time_ns()}-"
        self.number = count()
        self.took_ms: list[float] = []
        self.failed = 0

    async def run(self, clients: int, seconds: float) -> Measured:
        began = time.perf_counter()
        await asyncio.gather(*(self._client(began + seconds) for _ in range(clients)))
        took = sorted(self.took_ms) or [0.0]
        per_second = len(self.took_ms) / (time.perf_counter() - began)
        return Measured(per_second, took[len(took) // 2], took[len(took) * 99 // 100], self.failed)

    async def _client(self, end: float) -> None:
        reader, writer = await asyncio.open_connection(self.host, self.port)
        while (sent := time.perf_counter()) < end:
            mark = f"{self.mark}{next(self.number)}" if self.mark else ""
            writer.write(f"GET {next(self.paths)}{mark}{self.tail}".encode())
            self.failed += not await _answer(reader)
            self.took_ms.append((time.perf_counter() - sent) * 1000)
        writer.close()


async def _answer(reader: asyncio.StreamReader) -> bool:
    """Reads one answer (RFC 9112, 6); returns whether its status is 200."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    if b"transfer-encoding: chunked" in head:
        while size := int((await reader.readline()).partition(b";")[0], 16):
            await reader.readexactly(size + 2)
        await reader.readline()
    else:
        await reader.readexactly(int(head.partition(b"content-length:")[2].partition(b"\r\n")[0]))
    return head.split(maxsplit=2)[1] == b"200"
