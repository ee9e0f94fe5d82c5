"""Errors as `application/problem+json` (RFC 9457): what went wrong and what to do."""

import json
from http import HTTPStatus
from typing import Any

TYPE_BASE = "https://w3id.org/aikg/problems#"


class ProblemError(Exception):
    """A request that cannot be answered: its status, a `type` that programs can test, and a `detail` for people.

    `headers` are sent with it (Allow, Retry-After); `more` are extension members (RFC 9457, 3.2).
    """

    def __init__(self, status: int, kind: str, detail: str, *, headers: dict[str, str] | None = None, **more: Any) -> None:
        super().__init__(detail)
        self.status = status
        self.kind = kind
        self.detail = detail
        self.headers = headers or {}
        self.more = more

    def fields(self) -> list[tuple[bytes, bytes]]:
        """The headers that go with the document."""
        headers = [(name.lower().encode(), value.encode("latin-1", "replace")) for name, value in self.headers.items()]
        return [(b"content-type", b"application/problem+json"), (b"cache-control", b"no-store"), *headers]

    def body(self) -> bytes:
        """The problem document."""
        document = {
            "type": TYPE_BASE + self.kind,
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            **self.more,
        }
        return json.dumps(document, ensure_ascii=False).encode(errors="replace")


def not_allowed(method: str, allowed: tuple[str, ...]) -> ProblemError:
    """405 with Allow (RFC 9110, 15.5.6)."""
    allow = ", ".join(allowed)
    return ProblemError(405, "method", f"{method} is not possible here; use one of {allow}", headers={"Allow": allow})


def not_acceptable(offered: list[str]) -> ProblemError:
    """406 that lists what there is."""
    return ProblemError(406, "format", f"none of the accepted formats is offered; ask for one of {', '.join(offered)}", offered=offered)
