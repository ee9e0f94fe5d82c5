"""Who may write: bearer tokens (RFC 6750) that `kg token` made."""

from pathlib import Path

from kg import tokens
from kg.web.call import Call
from kg.web.problems import ProblemError


def allows(call: Call, data: Path, scope: str) -> bool:
    """Whether the call has a token with the scope."""
    try:
        require(call, data, scope)
    except ProblemError:
        return False
    return True


def require(call: Call, data: Path, scope: str) -> None:
    """Let the call pass when its token has the scope. Raises ProblemError 401 without a known token, 403 when that may not."""
    kind, _, secret = call.header(b"authorization").partition(" ")
    if kind.lower() != "bearer" or not secret:
        raise _refused(401, "this needs a token: send `Authorization: Bearer …`; `kg token create` makes one", "")
    token = tokens.verify(data, secret.strip())
    if token is None:
        raise _refused(401, "the token is unknown or was revoked; `kg token create` makes one", 'error="invalid_token"')
    if scope not in token.scopes:
        raise _refused(
            403,
            f"the token does not have the scope {scope!r}; make one with `kg token create --scope {scope}`",
            f'error="insufficient_scope", scope="{scope}"',
        )
    call.note["token"] = token.name


def _refused(status: int, detail: str, challenge: str) -> ProblemError:
    header = f'Bearer realm="aikg"{", " if challenge else ""}{challenge}'
    return ProblemError(status, "token", detail, headers={"WWW-Authenticate": header})
