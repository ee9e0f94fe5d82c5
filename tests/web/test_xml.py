"""XML answers are well-formed and say what the data says, read by another library; what XML cannot say is refused with the reason."""

from io import BytesIO

import httpx
import pytest
from pyoxigraph import Literal
from rdflib import Graph
from rdflib.query import Result
from serving import Server

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
XMLNS = "http://www.w3.org/2000/xmlns/"


def select(client: httpx.Client, literal: str) -> httpx.Response:
    return client.get("/sparql", params={"query": f"SELECT ({literal} AS ?value) {{}}", "format": "xml"})


def construct(client: httpx.Client, triples: str) -> httpx.Response:
    query = f"PREFIX rdf: <{RDF}> CONSTRUCT {{ {triples} }} WHERE {{}}"
    return client.get("/sparql", params={"query": query, "format": "rdfxml"})


def graph(response: httpx.Response) -> Graph:
    assert response.status_code == 200, response.text
    return Graph().parse(BytesIO(response.content), format="xml")


def refusal(response: httpx.Response) -> str:
    assert response.status_code == 400
    assert response.json()["type"].endswith("#value")
    assert "ask for another format" in response.json()["detail"]
    return response.json()["detail"]


@pytest.mark.parametrize("value", ["a\rb", "a\r\nb\n\r\t", "\r\rc", "\uffef\r\uff5e"])
def test_a_carriage_return_is_read_back(client: httpx.Client, value: str):
    """A raw one would be read as a line feed (XML 1.0, 2.11)."""
    literal = str(Literal(value))
    ((read,),) = Result.parse(BytesIO(select(client, literal).content), format="xml")
    assert str(read) == value
    ((_, _, read),) = graph(construct(client, f"<x:s> <x:p> {literal}"))
    assert str(read) == value


@pytest.mark.parametrize("code", [0x00, 0x01, 0x08, 0x0B, 0x0C, 0x1F, 0xFFFE, 0xFFFF])
def test_a_character_that_xml_cannot_carry_is_refused(client: httpx.Client, code: int):
    for refused in (select(client, f'"a\\u{code:04X}b"'), construct(client, f'<x:s> <x:p> "a\\u{code:04X}b"')):
        assert f"U+{code:04X}" in refusal(refused)


def test_a_character_that_xml_cannot_carry_cuts_an_answer_that_has_begun(client: httpx.Client):
    digits = " ".join(f"VALUES ?v{number} {{ 0 1 2 3 4 5 6 7 8 9 }}" for number in range(4))
    query = f'SELECT * {{ {{ {digits} }} UNION {{ BIND("\\u0001" AS ?last) }} }}'
    with pytest.raises(httpx.RemoteProtocolError):
        client.get("/sparql", params={"query": query, "format": "xml"})


@pytest.mark.parametrize(
    "predicate", ["x:a/", "x:a/123", "x:a%20", "x:a#", f"{XMLNS}a", *(f"{RDF}{name}" for name in ("li", "Description", "bagID"))]
)
def test_a_predicate_that_can_name_no_element_is_refused(client: httpx.Client, predicate: str):
    for triples in (f"<x:s> <{predicate}> 1", f"<x:s> <x:p> <<( <x:s> <{predicate}> 1 )>>"):
        assert f"<{predicate}>" in refusal(construct(client, triples))


@pytest.mark.parametrize("kind", ["x:a/", "x:a/123", f"{XMLNS}a", f"{RDF}bagID"])
def test_a_class_that_can_name_no_element_is_refused_where_it_would_have_to(client: httpx.Client, kind: str):
    assert f"<{kind}>" in refusal(construct(client, f"<x:s> a <{kind}>"))
    assert len(graph(construct(client, f"<x:s> a <{kind}> . <x:s> a <x:first>"))) == 2


@pytest.mark.parametrize("iri", ["x:a/b", "x:1a", "x:é", "x:a·", f"{RDF}_1", f"{RDF}value", "http://www.w3.org/2000/xmlnsa"])
def test_what_rdf_xml_can_say_is_said(client: httpx.Client, iri: str):
    read = graph(construct(client, f"<x:s> a <{iri}> ; <{iri}> <x:o>"))
    assert {(str(predicate), str(value)) for _, predicate, value in read} == {(f"{RDF}type", iri), (iri, "x:o")}


def test_a_graph_that_rdf_xml_cannot_say_is_refused(server: Server, client: httpx.Client):
    headers = {"Authorization": f"Bearer {server.token}", "Content-Type": "text/turtle"}
    for turtle, named in (("<x:s> <x:p/> 1 .", "<x:p/>"), (f"<x:s> <{RDF}li> 1 .", f"<{RDF}li>"), ('<x:s> <x:p> "\\u0001" .', "U+0001")):
        assert client.put("/graphs/unsayable", content=turtle, headers=headers).is_success
        assert named in refusal(client.get("/graphs/unsayable", params={"format": "rdfxml"}))
        assert client.get("/graphs/unsayable").status_code == 200
    assert client.put("/graphs/unsayable", content='<x:s> <x:p> "a\\rb" .', headers=headers).is_success
    ((_, _, value),) = graph(client.get("/graphs/unsayable", params={"format": "rdfxml"}))
    assert str(value) == "a\rb"


def description(inside: str, attributes: str = "") -> str:
    return f'<rdf:Description rdf:about="x:s" {attributes}>{inside}</rdf:Description>'


MISPLACED = {
    "Description as a property": description("<rdf:Description>1</rdf:Description>"),
    "Description as an attribute": description("", 'rdf:Description="1"'),
    "li as a subject": "<rdf:li/>",
    "li as an attribute": description("", 'rdf:li="1"'),
    "RDF as a property": description("<rdf:RDF/>"),
    "ID as a property": description("<rdf:ID>1</rdf:ID>"),
    "aboutEach": description("", 'rdf:aboutEach="x:s"'),
    "an ID twice": '<rdf:Bag rdf:ID="a"/><rdf:Bag rdf:ID="a"/>',
    "no name as an ID": '<rdf:Bag rdf:ID="a b"/>',
    "a name of no namespace": description("<p>1</p>"),
    "a relative namespace": description('<a:p xmlns:a="b#">1</a:p>'),
    "an entity that is not declared": description("<rdf:value>&a;</rdf:value>"),
    "no language": description('<rdf:value xml:lang="??">1</rdf:value>'),
    "no IRI": description('<rdf:value rdf:resource="a b"/>'),
    "text between properties": description("a<rdf:value>1</rdf:value>"),
    "not closed": "<rdf:Bag>",
}


@pytest.mark.parametrize("misplaced", MISPLACED)
def test_what_is_in_a_wrong_place_in_rdf_xml_is_refused_with_a_reason(server: Server, client: httpx.Client, misplaced: str):
    headers = {"Authorization": f"Bearer {server.token}", "Content-Type": "application/rdf+xml"}
    content = f'<rdf:RDF xmlns:rdf="{RDF}">{MISPLACED[misplaced]}</rdf:RDF>'
    refused = client.put("/graphs/misplaced", content=content, headers=headers)
    assert (refused.status_code, refused.json()["type"].partition("#")[2]) == (400, "syntax")
    assert refused.json()["detail"]
    assert client.get("/graphs/misplaced").status_code == 404


def test_li_is_numbered_where_it_may_be(server: Server, client: httpx.Client):
    headers = {"Authorization": f"Bearer {server.token}", "Content-Type": "application/rdf+xml"}
    content = f'<rdf:RDF xmlns:rdf="{RDF}"><rdf:Bag rdf:about="x:s"><rdf:li>a</rdf:li><rdf:li>b</rdf:li></rdf:Bag></rdf:RDF>'
    assert client.put("/graphs/numbered", content=content, headers=headers).is_success
    read = graph(client.get("/graphs/numbered", params={"format": "rdfxml"}))
    assert {str(predicate).removeprefix(RDF) for _, predicate, _ in read} == {"type", "_1", "_2"}
