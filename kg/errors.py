"""Everything `kg` raises on purpose, and the exit code each ends a command with.

KgError                 2  nothing could be done
 ├─ SettingError        2  a setting or flag is wrong
 ├─ DataError           2  the data directory cannot be used (missing, read-only, damaged, another base IRI)
 │   └─ LockedError     2  another writer holds the lock
 ├─ QueryError          2  a query, a saved query's name or a parameter is wrong
 ├─ RemoteError         2  a remote store did not answer as it should
 └─ StreamError         2  standard input cannot be read, or standard output not be written
     └─ PipeError     141  whoever read standard output has left
"""


class KgError(Exception):
    """Base of all errors of `kg`; the message says what, where and what to do."""

    exit_code = 2


class SettingError(KgError):
    """A setting or a flag has a value that cannot be used."""


class DataError(KgError):
    """The data directory cannot be used: missing, read-only, damaged, or made for another base IRI."""


class LockedError(DataError):
    """Another process holds the writer's lock and did not release it in time."""


class QueryError(KgError):
    """A query is not SPARQL, or a saved query or one of its parameters is unknown or wrong."""


class RemoteError(KgError):
    """A remote store did not answer as its protocol says; `status` is the HTTP status that it sent, None when it sent none."""

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class StreamError(KgError, OSError):
    """Standard input cannot be read, or standard output or error not be written: a full disk, a closed descriptor."""


class PipeError(StreamError):
    """Whoever read our output has left, which is no mistake: as if SIGPIPE had ended the process, and nothing is said."""

    exit_code = 141  # 128 + SIGPIPE
