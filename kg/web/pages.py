"""HTML: Jinja2 templates that escape everything, under a Content-Security-Policy that loads nothing from elsewhere."""

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kg.formats import HTML
from kg.web.call import Call
from kg.web.problems import ProblemError

if TYPE_CHECKING:
    from jinja2 import Environment

FOLDER = Path(__file__).parent
STATIC_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
POLICY = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    b"base-uri 'none'; frame-ancestors 'none'"
)


@lru_cache(maxsize=1)
def _environment() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    loader = FileSystemLoader(FOLDER / "templates")
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)


async def page(call: Call, template: str, **values: Any) -> None:
    """Send a page. It is revalidated by its own hash."""
    body = _environment().get_template(template).render(**values).encode()
    headers = [
        (b"content-type", HTML.content_type.encode()),
        (b"vary", b"Accept"),
        (b"content-security-policy", POLICY),
        (b"cache-control", b"public, no-cache"),
    ]
    await call.respond_tagged(headers, body)


@lru_cache(maxsize=1)
def _files() -> dict[str, Path]:
    return {file.name: file for file in (FOLDER / "static").iterdir() if file.suffix in STATIC_TYPES}


async def static(call: Call) -> None:
    """A file of the `static` folder."""
    name = call.path.removeprefix("/static/")
    file = _files().get(name)
    if file is None:
        raise ProblemError(404, "not-found", f"there is no {call.path}")
    headers = [(b"content-type", STATIC_TYPES[file.suffix].encode()), (b"cache-control", b"public, max-age=3600")]
    await call.respond_tagged(headers, file.read_bytes())
