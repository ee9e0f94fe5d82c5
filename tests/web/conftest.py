"""Fixtures: real servers over real HTTP."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from endpoints import Remote, endpoint
from serving import QUADS, Server, fill, serving

from kg import tokens


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Starts a server of this test's own, filled with QUADS unless `quads` says otherwise."""
    running = []

    def start(*, quads: str | None = QUADS, **settings: object) -> Server:
        data = tmp_path / f"data{len(running)}"
        if quads is not None:
            fill(data, quads)
        context = serving(data, tmp_path / f"serve{len(running)}.log", **settings)
        running.append(context)
        return context.__enter__()

    yield start
    for context in running:
        context.__exit__(None, None, None)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that the tests of a module share; `token` allows updates."""
    folder = tmp_path_factory.mktemp("served")
    fill(folder / "data")
    token = tokens.create(folder / "data", "test", [tokens.Scope.UPDATE])
    with serving(folder / "data", folder / "serve.log", query_timeout_s=10) as running:
        running.token = token
        yield running


@pytest.fixture
def client(server: Server) -> Iterator[httpx.Client]:
    """A client of the shared server."""
    with server.client() as made:
        yield made


@pytest.fixture
def remote() -> Iterator[Remote]:
    """An endpoint for SERVICE, on no list yet."""
    with endpoint() as made:
        yield made


@pytest.fixture
def federating(serve: Callable[..., Server], remote: Remote, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., httpx.Client]]:
    """Starts a server that may ask `remote`, with these settings, and gives a client of it."""
    with ExitStack() as stack:

        def start(**limits: object) -> httpx.Client:
            monkeypatch.setenv("KG_SERVICE_ALLOW", f"{remote.iri}, http://127.0.0.1:9/none")
            for name, value in limits.items():
                monkeypatch.setenv(f"KG_{name.upper()}", str(value))
            return stack.enter_context(serve().client())

        yield start
