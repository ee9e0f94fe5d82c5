"""Fixtures: real servers over real HTTP."""

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
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
