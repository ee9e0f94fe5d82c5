"""Standard input, output and error: what goes wrong with one of them is an error of ours, whichever library was reading or writing it."""

import errno
import io
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from kg.errors import PipeError, StreamError


class _Stream(io.FileIO):
    """A standard stream. Raises PipeError when whoever read it has left, StreamError for everything else."""

    def __init__(self, descriptor: int, mode: str, title: str) -> None:
        super().__init__(descriptor, mode, closefd=False)
        self.title = title

    def write(self, data: Any, /) -> int:
        with self._explained("write to"):
            return super().write(data)

    def readinto(self, buffer: Any, /) -> int:
        with self._explained("read"):
            return super().readinto(buffer)

    def readall(self) -> bytes:
        with self._explained("read"):
            return super().readall()

    @contextmanager
    def _explained(self, doing: str) -> Iterator[None]:
        try:
            yield
        except BrokenPipeError as error:
            raise PipeError(f"whoever read {self.title} has left") from error
        except OSError as error:
            reason = "it is closed" if error.errno == errno.EBADF else error.strerror
            raise StreamError(f"cannot {doing} {self.title}: {reason}") from error


def take_over() -> None:
    """Puts these streams in the place of the interpreter's.

    A closed one gets its number back, before a file of the store takes it: input and output fail when they are used, talk goes nowhere.
    """
    sys.stdin = _opened(sys.stdin, "rb", "standard input", instead=os.O_WRONLY)
    sys.stdout = _opened(sys.stdout, "wb", "standard output", instead=os.O_RDONLY)
    sys.stderr = _opened(sys.stderr, "wb", "standard error", instead=os.O_WRONLY)


def let_go() -> None:
    """Sends what is still to be written to standard output and error nowhere: it must not fail once more when the interpreter ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def write_json(found: object, *, indent: int | None = 1) -> None:
    """Writes a JSON text and the end of its line to standard output, as UTF-8 whatever the terminal's encoding is (RFC 8259, 8.1)."""
    text = json.dumps(found, ensure_ascii=False, indent=indent)
    sys.stdout.buffer.write(text.encode(errors="backslashreplace") + b"\n")  # of a file's name that is no UTF-8: \udcff, as JSON has it


def _opened(stream: TextIO | None, mode: str, title: str, *, instead: int) -> TextIO:
    """The stream anew. What its encoding lacks is written as an escape; a closed one is there too."""
    if not isinstance(stream, io.TextIOWrapper):
        raw = _Stream(os.open(os.devnull, instead), mode, title)
        return io.TextIOWrapper(_buffered(raw, mode))
    raw = _Stream(stream.fileno(), mode, title)
    errors = stream.errors if mode == "rb" else "backslashreplace"
    return io.TextIOWrapper(
        _buffered(raw, mode), stream.encoding, errors, line_buffering=stream.line_buffering, write_through=stream.write_through
    )


def _buffered(raw: _Stream, mode: str) -> io.BufferedReader | io.BufferedWriter:
    return io.BufferedReader(raw) if mode == "rb" else io.BufferedWriter(raw)
