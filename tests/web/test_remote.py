"""Talking to a remote store: where its endpoints are, what is tried again, and what is said when it goes wrong."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from pyoxigraph import Literal, NamedNode
from remotes import Reply, fake, own, oxigraph

from kg.errors import RemoteError, SettingError
from kg.remote import client as client_module
from kg.remote.client import Client
from kg.remote.texts import bound
from kg.settings import Settings

ASK = "ASK {}"

type Make = Callable[..., Client]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(client_module, "FIRST_PAUSE_S", 0.001)


@pytest.fixture
def native(tmp_path: Path) -> Iterator[str]:
    with oxigraph(tmp_path / "ox") as named:
        yield named["store"]


@pytest.fixture
def client() -> Iterator[Callable[..., Client]]:
    """Makes clients of services that settings name, and closes them."""
    with ExitStack() as made:

        def make(**named: object) -> Client:
            client = Client(Settings.load(**named))
            made.callback(client.close)
            return client

        yield make


def test_endpoints_of_oxigraph_are_found(client: Make, native: str):
    found = client(store=native).endpoints
    assert (found.query, found.update, found.graphs) == (f"{native}query", f"{native}update", f"{native}store")
    assert client(store=f"{native}query").endpoints == found
    assert client(store=native.rstrip("/")).endpoints == found


def test_endpoints_of_our_own_are_found(client: Make, tmp_path: Path):
    with own(tmp_path) as named:
        found = client(**named).endpoints
        assert (found.query, found.update) == (f"{named['store']}sparql", f"{named['store']}sparql")
        assert client(**{**named, "store": f"{named['store']}sparql"}).endpoints == found


def test_endpoints_can_be_named(client: Make, native: str):
    found = client(store=f"{native}somewhere/", store_query="../query", store_update=f"{native}update").endpoints
    assert (found.query, found.update) == (f"{native}query", f"{native}update")


def test_two_ways_to_say_who_we_are_are_one_too_many(client: Make):
    with pytest.raises(SettingError, match="KG_STORE_TOKEN and KG_STORE_USER"):
        client(store="http://127.0.0.1:1/", store_user="ada", store_token="x")  # noqa: S106


def test_a_service_that_is_not_there_is_named(client: Make):
    with pytest.raises(RemoteError, match=r"cannot reach http://127\.0\.0\.1:1/ .*is it running"):
        client(store="http://127.0.0.1:1/")


def test_an_address_without_a_service_names_the_settings(client: Make, native: str):
    with pytest.raises(RemoteError, match=r"answered 404 .*KG_STORE_QUERY"):
        client(store=f"{native}nothing/here/")


def test_a_write_without_a_token_says_what_to_set(client: Make, tmp_path: Path):
    with own(tmp_path) as named, pytest.raises(RemoteError, match=r"answered 401 .*KG_STORE_TOKEN"):
        client(store=named["store"]).update("INSERT DATA { GRAPH <http://x/g> { <http://x/s> <http://x/p> 1 } }", repeatable=True)


def test_a_query_that_was_turned_away_is_asked_again(client: Make):
    with fake(Reply(503, b""), Reply(0), Reply()) as service:
        assert client(**service.settings).ask(ASK)
        assert len(service.seen) == 3


def test_no_more_than_three_tries_are_made(client: Make):
    with fake(Reply(503, b"busy", {"Content-Type": "text/plain"})) as service, pytest.raises(RemoteError, match=r"answered 503 .*\(busy\)"):
        client(**service.settings).ask(ASK)
        assert len(service.seen) == 3


def test_an_update_that_may_have_been_done_is_not_sent_again(client: Make):
    with fake(Reply(0), Reply()) as service, pytest.raises(RemoteError, match="not known"):
        client(**service.settings).update("INSERT DATA {}", repeatable=False)
        assert len(service.seen) == 1


def test_an_update_that_may_be_done_twice_is_sent_again(client: Make):
    with fake(Reply(0), Reply()) as service:
        client(**service.settings).update("INSERT DATA {}", repeatable=True)
        assert len(service.seen) == 2


def test_a_silent_service_is_given_up(client: Make):
    start = Reply(body=b'{"head":{"vars":["a"]},"results":{"bindings":[', headers={"Content-Length": "1000"})
    with fake(start) as service, pytest.raises(RemoteError, match="KG_STORE_TIMEOUT_S"):
        list(client(**service.settings, store_timeout_s=0.2).select("SELECT * {}"))


@pytest.mark.parametrize("end", [b"", b"The query was cancelled", b"]"])
def test_a_result_that_is_not_whole_is_an_error(client: Make, end: bytes):
    rows = b'{"head":{"vars":["a"]},"results":{"bindings":[{"a":{"type":"literal","value":"1"}},' + end
    with fake(Reply(body=rows)) as service, pytest.raises((RemoteError, SyntaxError)):
        list(client(**service.settings).select("SELECT ?a {}"))


def test_what_the_service_says_is_shown_without_control_characters(client: Make):
    with (
        fake(Reply(400, b"no\x1b[31m such\nthing", {"Content-Type": "text/plain"})) as service,
        pytest.raises(RemoteError, match=r"\(no \[31m such thing\)"),
    ):
        client(**service.settings).ask(ASK)


def test_a_redirect_is_shown_and_not_followed(client: Make):
    with (
        fake(Reply(301, b"", {"Location": "http://127.0.0.1:1/elsewhere"})) as service,
        pytest.raises(RemoteError, match=r"redirects to http://127\.0\.0\.1:1/elsewhere"),
    ):
        client(**service.settings).ask(ASK)


def test_waiting_for_a_busy_service_is_bounded(client: Make, monkeypatch: pytest.MonkeyPatch):
    paused: list[float] = []
    monkeypatch.setattr(client_module, "sleep", paused.append)
    with fake(Reply(503, b"", {"Retry-After": "86400"}), Reply()) as service:
        assert client(**service.settings).ask(ASK)
    assert paused == [client_module.LONGEST_PAUSE_S]


VALUE = {"a": NamedNode("http://x/1"), "b": Literal('}" {')}
VALUES = r'VALUES (?a ?b) { (<http://x/1> "}\" {") }'


@pytest.mark.parametrize(
    "text",
    [
        "SELECT ?a {| ?a ?b ?c }",
        "SELECT (EXISTS { ?a ?b 1 } AS ?x) WHERE {| ?a ?b ?c { ?d ?e ?f } } ORDER BY (?a) VALUES ?c { 1 }",
        "CONSTRUCT { ?a ?b '{' } WHERE {| ?a ?b ?c }",
        "CONSTRUCT { ?a ?b 1 } {| ?a ?b ?c }",
        "# SELECT {\nASK {| ?a <http://x/{> ?b }",
    ],
)
def test_values_go_where_the_pattern_begins(text: str):
    assert bound(text.replace("|", ""), VALUE).split() == text.replace("|", f" {VALUES} ").split()


def test_secrets_are_not_shown(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("KG_STORE_TOKEN", "very-secret")
    settings = Settings.load()
    assert "very-secret" not in f"{settings} {settings!r} {dict(settings)}"
