"""Where a remote service takes queries, updates and graphs, and who we are to it.

Each endpoint is what a setting names (KG_STORE_QUERY, KG_STORE_UPDATE, KG_STORE_GRAPHS, against KG_STORE), else that of the layout that
fits.
"""

from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

import httpx

from kg.errors import SettingError
from kg.settings import Settings


@dataclass(frozen=True, slots=True)
class Layout:
    """The endpoints of a product, relative to its address."""

    query: str
    update: str
    graphs: str


# Tried in this order. The last is an address that takes everything itself.
LAYOUTS = (
    Layout("query", "update", "store"),  # Oxigraph
    Layout("sparql", "sparql", "graphs"),  # kg serve
    Layout("", "", ""),
)


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Absolute addresses (SPARQL 1.1 Protocol, 2; SPARQL 1.1 Graph Store HTTP Protocol, 4.2)."""

    query: str
    update: str
    graphs: str


def candidates(settings: Settings) -> list[Endpoints]:
    """The endpoints that the service may have, likely ones first; only one where the settings name the query endpoint."""
    root, last = _root(settings)
    if settings.store_query is not None:
        return [_endpoints(root, LAYOUTS[0], settings)]
    named = [layout for layout in LAYOUTS if last and layout.query == last]
    if named:
        return [_endpoints(urljoin(root, ".."), layout, settings) for layout in named]
    return [_endpoints(root, layout, settings) for layout in LAYOUTS]


def authorization(settings: Settings) -> httpx.Auth | None:
    """HTTP Basic (RFC 7617) with KG_STORE_USER and KG_STORE_PASSWORD, or a bearer token (RFC 6750), KG_STORE_TOKEN. Raises SettingError."""
    user, password, token = settings.store_user, settings.store_password, settings.store_token
    if token and user:
        raise SettingError("KG_STORE_TOKEN and KG_STORE_USER are both set; the store takes one of them: unset the other")
    if user:
        return httpx.BasicAuth(user, password.get_secret_value() if password else "")
    return _Bearer(token.get_secret_value()) if token else None


class _Bearer(httpx.Auth):
    def __init__(self, token: str) -> None:
        self.header = f"Bearer {token}"

    def auth_flow(self, request: httpx.Request):  # type: ignore[no-untyped-def]  # a generator whose type httpx spells out at length
        request.headers["Authorization"] = self.header
        yield request


def _root(settings: Settings) -> tuple[str, str]:
    """The address with a final `/`, and its last segment."""
    stem = (settings.store or "").rstrip("/")
    return f"{stem}/", urlsplit(stem).path.rpartition("/")[2]


def _endpoints(root: str, layout: Layout, settings: Settings) -> Endpoints:
    def at(named: str | None, usual: str) -> str:
        where = usual if named is None else named
        return urljoin(root, where) if where else root.rstrip("/")

    return Endpoints(
        at(settings.store_query, layout.query), at(settings.store_update, layout.update), at(settings.store_graphs, layout.graphs)
    )
