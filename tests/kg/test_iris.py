"""IRIs: one segment an id, whatever is in the id, and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyoxigraph import NamedNode

from kg.errors import SettingError
from kg.iris import NAMESPACES, PREFIXES, Iris, check_base, segment

IRIS = Iris("http://localhost:8000/")


@pytest.mark.parametrize(
    ("entity_id", "iri"),
    [
        ("Mistral_AI", "entity/Mistral_AI"),
        ("Cédric_O", "entity/Cédric_O"),
        ("中国", "entity/中国"),
        ("a/b?c#d", "entity/a%2Fb%3Fc%23d"),
        ("100%", "entity/100%25"),
        ("..", "entity/%2E%2E"),
        ("<x> \"y\" {z}", "entity/%3Cx%3E%20%22y%22%20%7Bz%7D"),
    ],
)  # fmt: skip
def test_an_id_is_one_segment_of_the_iri(entity_id: str, iri: str):
    assert IRIS.entity(entity_id).value == IRIS.base + iri


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_an_id_is_read_back_from_its_iri(text: str):
    node = IRIS.entity(text)
    assert IRIS.id_of("entity", node.value) == text
    assert "/" not in segment(text)
    NamedNode(node.value)


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_two_articles_never_share_a_graph_and_none_has_one_of_ours(text: str):
    graph = IRIS.graph(text)
    assert IRIS.article_of_graph(graph.value) == text
    assert graph not in {IRIS.knowledge, IRIS.ontology, IRIS.meta}


@pytest.mark.parametrize("name", ["knowledge", "ontology", "meta", "meta~", "meta~~"])
def test_an_article_called_like_a_graph_of_ours_has_a_graph_of_its_own(name: str):
    assert IRIS.graph(name).value == f"{IRIS.base}graph/{name}~"
    assert IRIS.article_of_graph(f"{IRIS.base}graph/{name}~") == name


@pytest.mark.parametrize("graph", ["graph/knowledge", "graph/ontology", "graph/meta", "article/x", "graph/"])
def test_other_graphs_belong_to_no_article(graph: str):
    assert IRIS.article_of_graph(IRIS.base + graph) is None
    assert IRIS.article_of_graph("https://example.org/graph/x") is None


def test_mentions_and_sentences_are_named_by_their_offsets():
    assert IRIS.mention("a b", 3, 7).value == "http://localhost:8000/mention/a%20b/3-7"
    assert IRIS.sentence("a b", 3, 7).value == "http://localhost:8000/article/a%20b#char=3,7"


@pytest.mark.parametrize(
    "base", ["http://localhost:8000/", "https://example.org", "https://example.org/news/kg", "http://[::1]:80/", "https://bücher.example/"]
)
def test_a_base_ends_with_a_slash(base: str):
    assert check_base(base) == base.rstrip("/") + "/"


@pytest.mark.parametrize(
    ("base", "problem"),
    [
        ("not an iri", "is no IRI"),
        ("example.org", "is no IRI"),
        ("", "is no IRI"),
        ("http://example.org:port/", "is no IRI"),
        ("urn:aikg:", "is not an http or https IRI"),
        ("file:///tmp/", "is not an http or https IRI"),
        ("http:///path", "names no host"),
        ("https://example.org/?q=1", "has a query or a fragment"),
        ("https://example.org/#top", "has a query or a fragment"),
        ("https://ada@example.org/", "holds a user or a password, which would be shown"),
    ],
)
def test_a_base_that_is_none_is_refused_with_the_reason(base: str, problem: str):
    with pytest.raises(SettingError, match=rf"KG_BASE_IRI \(--base-iri\) .* {problem}; give an absolute IRI"):
        check_base(base)


@pytest.mark.parametrize("base", ["http://ada:secret@example.org/", "http://ada:secret@example.org:port/", "ada:secret@example.org"])
def test_the_refusal_of_a_base_shows_no_password(base: str):
    with pytest.raises(SettingError, match=r"…@example\.org") as raised:
        check_base(base)
    assert "secret" not in str(raised.value)


def test_prefixes_are_distinct():
    assert len(PREFIXES) == len(set(PREFIXES.values())) == len(NAMESPACES)
