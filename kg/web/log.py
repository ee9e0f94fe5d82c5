"""The log: one JSON line an event on stderr."""

import asyncio
import json
import logging
import sys
import time
from functools import lru_cache
from json.encoder import encode_basestring_ascii

FLUSH_S = 0.02  # lines are written together: a system call for each would take a tenth of the time of a small request


class Ended(logging.LogRecord):
    """The record of a request that has ended: what our formatter asks for, as to find out the rest takes longer than many an answer.

    The line's values are text, numbers and truth values.
    """

    def __init__(self, logger: str, line: dict[str, object]) -> None:
        self.name = logger
        self.levelno, self.levelname = logging.INFO, "INFO"
        self.created = time.time()
        self.msecs = self.created * 1000 % 1000
        self.msg, self.args = line, ()
        self.exc_info = None

    def line(self, when: str) -> str:
        """What json.dumps makes of it, in less than half of the time."""
        parts = [f'{{"time": "{when}", "level": "info", "logger": "{self.name}"']
        line: dict[str, object] = self.msg  # type: ignore[assignment]
        for name, value in line.items():
            if isinstance(value, str):
                parts.append(f', "{name}": {encode_basestring_ascii(value)}')
            else:
                parts.append(f', "{name}": {str(value).lower() if isinstance(value, bool) else value}')
        return "".join([*parts, "}"])


class JsonLines(logging.Formatter):
    """{"time", "level", "logger", …}: a request's line is merged in, anything else is `message`; control characters are escaped."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        when = f"{_second(int(record.created))}.{int(record.msecs):03d}Z"
        if isinstance(record, Ended):
            return record.line(when)
        line = {"time": when, "level": record.levelname.lower(), "logger": record.name, "message": record.getMessage()}
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line)


@lru_cache(maxsize=4)
def _second(since_epoch: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(since_epoch))


class Gathered(logging.StreamHandler):  # type: ignore[type-arg]  # of text, as stderr is
    """Writes what came in within FLUSH_S in one go while an event loop runs, else at once."""

    def __init__(self) -> None:
        super().__init__(sys.stderr)
        self._lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """logging.Handler."""
        self._lines.append(self.format(record))
        if len(self._lines) > 1:
            return  # somebody else's timer is running
        try:
            asyncio.get_running_loop().call_later(FLUSH_S, self.flush)
        except RuntimeError:
            self.flush()

    def flush(self) -> None:
        """logging.Handler: also called when the program ends."""
        lines, self._lines = self._lines, []
        if lines:
            self.stream.write("\n".join([*lines, ""]))
            self.stream.flush()


def to_stderr() -> None:
    """Log what our own packages say, and uvicorn's warnings, but not those about transfers that we cut on purpose."""
    handler = Gathered()
    handler.setFormatter(JsonLines())
    logging.getLogger("uvicorn.error").addFilter(lambda record: "without completing response" not in record.getMessage())
    for name, level in (("kg", logging.INFO), ("uvicorn", logging.WARNING)):
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.setLevel(level)
        logger.propagate = False
