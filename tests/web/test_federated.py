"""kg.federated: clauses are found, and blocks hold what was answered and nothing else; the list of endpoints."""

import pyoxigraph as ox
import pytest
from endpoints import literal, results, uri
from hypothesis import example, given, settings
from hypothesis import strategies as st
from serving import BASE
from test_syntax import PIECES, X

from kg import federated, syntax
from kg.errors import QueryError, SettingError
from kg.federated import AnswerError, TermError, TooManyRowsError
from kg.settings import Settings

TEXTS = st.text(st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from("\\\"'u0022n\n\r\t{}()#<>@^?SERVICE ")), max_size=12)
TERMS = st.one_of(
    TEXTS.map(ox.Literal),
    TEXTS.map(lambda text: ox.Literal(text, language="en-GB")),
    TEXTS.map(lambda text: ox.Literal(text, datatype=ox.NamedNode("x:a)service#b"))),
    st.text("az)(service#?&;,.'!~-%41é\u00a0", max_size=12)
    .map(lambda text: f"x:{text}")
    .filter(lambda iri: _is_iri(iri))
    .map(ox.NamedNode),
    st.none(),
)


def _is_iri(text: str) -> bool:
    try:
        ox.NamedNode(text)
    except ValueError:
        return False
    return True


def _described(term: object) -> dict[str, str] | None:
    if isinstance(term, ox.NamedNode):
        return uri(term.value)
    if isinstance(term, ox.Literal):
        return literal(term.value, **({"xml:lang": term.language} if term.language else {"datatype": term.datatype.value}))
    return None


@settings(max_examples=400, deadline=None)
@given(st.lists(st.tuples(TERMS, TERMS), max_size=4))
def test_a_block_has_the_terms_that_were_answered_and_nothing_else(rows: list[tuple[object, object]]):
    found = [{name: _described(term) for name, term in zip("ab", row, strict=True) if term is not None} for row in rows]
    block = federated.values(results(["a", "b"], *found).decode(), ("b", "a", "c"), max_rows=9, max_characters=10_000)
    text = f"SELECT ?a ?b {{ {block} }}"
    assert not syntax.read(text).volatile
    assert [(row["a"], row["b"]) for row in ox.Store().query(text)] == rows  # type: ignore[union-attr,index]


@settings(max_examples=800, deadline=None)
@given(
    st.lists(
        st.one_of(PIECES, st.sampled_from(["SERVICE ", "SERVICE SILENT ", f"SERVICE {X} {{", "PREFIX ex: <x:>", "SELECT * {"])), max_size=14
    )
)
@example([f"SERVICE {X} {{", "}"])
def test_what_is_left_of_a_query_asks_nobody_and_what_endpoints_are_asked_is_a_group(pieces: list[str]):
    text = f"SELECT * {{ {''.join(pieces)} }}"
    try:
        query = federated.read(text, BASE, most=4)
    except QueryError:
        return
    left = federated.replaced(text, query.clauses, [federated.NO_SOLUTION] * len(query.clauses))
    for sent in (left, *(f"{clause.query} LIMIT 0" for clause in query.clauses)):
        try:
            list(ox.Store().query(sent))  # type: ignore[arg-type]
        except SyntaxError:
            continue
        except (OSError, RuntimeError) as error:
            raise AssertionError(f"the engine would have connected for {sent!r}: {error}") from error


def test_limits_of_a_block():
    body = results(["a", "b"], *[{"a": uri("x:a")}] * 5).decode()
    assert federated.values(body, ("a", "b"), max_rows=5, max_characters=100).count("UNDEF") == 5
    with pytest.raises(TooManyRowsError, match="4 rows"):
        federated.values(body, ("a", "b"), max_rows=4, max_characters=100)
    with pytest.raises(TooManyRowsError, match="20 characters"):
        federated.values(body, ("a", "b"), max_rows=5, max_characters=20)
    with pytest.raises(AnswerError, match=r"\?b"):
        federated.values(body, ("a",), max_rows=5, max_characters=100)
    directed = results(["a"], {"a": literal("x", **{"xml:lang": "ar", "its:dir": "rtl"})}).decode()
    with pytest.raises(TermError, match="direction"):
        federated.values(directed, ("a",), max_rows=5, max_characters=100)


@pytest.mark.parametrize("value", ["ftp://example.org/", "example.org", "http://", "http://a/#b", "http://user:secret@a/", "http://a/<b>"])
def test_a_list_with_something_else_in_it_is_refused(value: str):
    with pytest.raises(SettingError, match=r"KG_SERVICE_ALLOW.*(no http|no user)") as caught:
        Settings.load(service_allow=f"http://good/ {value}")
    assert "secret" not in str(caught.value)


def test_a_list_is_read():
    assert Settings.load(service_allow=" http://a/x,https://b/?c=d \n http://é/").service_endpoints == {
        "http://a/x",
        "https://b/?c=d",
        "http://é/",
    }
    assert Settings.load().service_endpoints == frozenset()
