"""Bearer tokens that allow writing over HTTP: made, listed, revoked, verified. Only their hashes are kept, in `DATA/tokens.json`.

A token is 256 random bits, so a plain SHA-256 of it cannot be guessed back; a password hash would only make each request slow.
"""

import hashlib
import hmac
import json
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from filelock import FileLock

from kg.datadir import make, replace_file, writing
from kg.errors import DataError, SettingError

PREFIX = "aikg_"  # so that scanners for leaked secrets can know one


class Scope(StrEnum):
    """What a token allows."""

    INGEST = "ingest"  # articles
    UPDATE = "update"  # SPARQL updates and graphs


@dataclass(frozen=True, slots=True)
class Token:
    """A token as it is kept: its name, what it allows, when it was made (ISO 8601, UTC), and the SHA-256 of its secret."""

    name: str
    scopes: tuple[Scope, ...]
    created: str
    sha256: str


def create(data: Path, name: str, scopes: Iterable[Scope]) -> str:
    """Make a token and return its secret, which is nowhere kept. Raises SettingError for a name in use or no scope, DataError."""
    kept = tuple(sorted(set(scopes)))
    if not name.isprintable() or not name.strip():
        raise SettingError(f"{name!r} is no name for a token; give it one of printable characters")
    if not kept:
        raise SettingError(f"a token needs a scope: {', '.join(Scope)}")
    secret = PREFIX + secrets.token_urlsafe(32)
    created = datetime.now(UTC).isoformat(timespec="seconds")
    with _changing(data):
        known = all_of(data)
        if any(token.name == name for token in known):
            raise SettingError(f"there is a token {name!r} already; choose another name, or `kg token revoke {name}` first")
        _write(data, [*known, Token(name, kept, created, _hash(secret))])
    return secret


def all_of(data: Path) -> list[Token]:
    """The tokens of a data directory, in the order they were made. Raises DataError when the file is damaged."""
    file = data / "tokens.json"
    try:
        rows = json.loads(file.read_bytes())
        return [Token(row["name"], tuple(map(Scope, row["scopes"])), row["created"], row["sha256"]) for row in rows]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{file} is damaged ({error}); remove it and make the tokens anew with `kg token create`") from error
    except OSError as error:
        raise DataError(f"cannot read {file}: {error.strerror}; check its permissions") from error


def revoke(data: Path, name: str) -> bool:
    """Take a token out; False when there is none of that name. Servers refuse it from their next request on."""
    if not any(token.name == name for token in all_of(data)):
        return False
    with _changing(data):
        _write(data, [token for token in all_of(data) if token.name != name])
    return True


def verify(data: Path, secret: str) -> Token | None:
    """The token with this secret, or None; takes the same time whichever it is."""
    presented = _hash(secret)
    found = [token for token in all_of(data) if hmac.compare_digest(token.sha256, presented)]
    return found[0] if found else None


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode(errors="surrogateescape")).hexdigest()


@contextmanager
def _changing(data: Path) -> Iterator[None]:
    """Alone with the file from reading to writing it, so that of two changes at a time none is lost."""
    with writing(data):
        make(data)
        with FileLock(data / "tokens.lock"):
            yield


def _write(data: Path, tokens: list[Token]) -> None:
    replace_file(data / "tokens.json", json.dumps([asdict(token) for token in tokens], indent=1).encode() + b"\n", mode=0o600)
