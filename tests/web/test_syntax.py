"""kg.syntax: what a query may contain. The engine itself is the judge: what it would connect for must have been refused before."""

import time

import pyoxigraph as ox
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from nesting import NESTED

from kg import syntax
from kg.syntax import MAX_DEPTH, ForbiddenError, Form, QuerySyntaxError, TooDeepError, UnsupportedError

X = "<http://[::1]:1/>"  # nothing listens there
REFUSED = {
    "plain": f"ASK {{ SERVICE {X} {{ ?s ?p ?o }} }}",
    "lower case": f"ASK {{ service {X} {{ ?s ?p ?o }} }}",
    "silent": f"ASK {{ SERVICE SILENT {X} {{ ?s ?p ?o }} }}",
    "variable": "ASK { VALUES ?x { <x:> } SERVICE ?x { ?s ?p ?o } }",
    "prefixed name": "PREFIX x: <http://[::1]:1/> ASK { SERVICE x:a { ?s ?p ?o } }",
    "no space before an IRI": f"ASK {{ SERVICE{X}{{ ?s ?p ?o }} }}",
    "no space before a variable": "ASK { SERVICE?x{ ?s ?p ?o } }",
    "no space before the default prefix": "PREFIX : <http://[::1]:1/> ASK { SERVICE:a{ ?s ?p ?o } }",
    "default prefix and a comment": "PREFIX : <http://[::1]:1/> ASK { SERVICE:a #\n { ?s ?p ?o } }",
    "silent without spaces": f"ASK {{ SERVICESILENT{X}{{ ?s ?p ?o }} }}",
    "silent and the default prefix": "PREFIX : <http://[::1]:1/> ASK { SERVICESILENT:a{ ?s ?p ?o } }",
    "behind a boolean": f"ASK {{ ?s ?p trueSERVICE{X}{{ ?s ?p ?o }} }}",
    "behind a number": f"ASK {{ ?s ?p 1SERVICE{X}{{ ?s ?p ?o }} }}",
    "behind a string": f"ASK {{ ?s ?p 'a'SERVICE{X}{{ ?s ?p ?o }} }}",
    "behind a comment": f"ASK {{ # '\n SERVICE {X} {{ ?s ?p ?o }} }}",
    "behind a comment that a carriage return ends": f"ASK {{ # {{\r SERVICE {X} {{ ?s ?p ?o }} }}",
    "behind a string with an escaped quote": f"ASK {{ ?s ?p 'a\\'' . SERVICE {X} {{ ?s ?p ?o }} }}",
    "behind a long string": f"ASK {{ ?s ?p '''a'b''c''' . SERVICE {X} {{ ?s ?p ?o }} }}",
    "behind an IRI with a hash": f"ASK {{ ?s <x:#a> 1 . SERVICE {X} {{ ?s ?p ?o }} }}",
    "inside what could be an IRI": f"ASK {{ ?s ?o ?p FILTER(?s<?b)SERVICE?x#>\n{{ ?s ?p ?o }} VALUES ?x {{ {X} }} }}",
    "inside an IRI behind a boolean": f"PREFIX x: {X} ASK {{ FILTER(true<?b)SERVICEx:a#>\n{{ ?s ?p ?o }} }}",
    "inside an IRI behind an exponent": f"PREFIX x: {X} ASK {{ FILTER(1e5<?b)SERVICEx:a#>\n{{ ?s ?p ?o }} }}",
    "inside an IRI behind a direction": f"PREFIX x: {X} ASK {{ FILTER('a'@en--ltr<?b)SERVICEx:a#>\n{{ ?s ?p ?o }} }}",
    "in a subquery": f"SELECT * {{ {{ SELECT * {{ SERVICE {X} {{ ?s ?p ?o }} }} }} }}",
    "load glued to a name": f"PREFIX x: {X} CLEAR ALL; LOADx:y",
    "in an update": f"INSERT {{ ?s ?p ?o }} WHERE {{ SERVICE {X} {{ ?s ?p ?o }} }}",
    "glued to a prefix that is no ASCII": "PREFIX 「: <http://[::1]:1/> ASK { SERVICE「:a { ?s ?p ?o } }",
    "silent and glued to a prefix that is no ASCII": "PREFIX ℃: <http://[::1]:1/> ASK { SERVICESILENT℃:a{ ?s ?p ?o } }",
    "behind a name that is no ASCII": f"PREFIX x: {X} ASK {{ ?s x:℃ x:！ . SERVICE {X} {{ ?s ?p ?o }} }}",
    "behind a variable that is no ASCII": f"ASK {{ ?「 ?p ?！SERVICE{X}{{ ?s ?p ?o }} . SERVICE {X} {{}} }}",
    "load glued to a prefix that is no ASCII": f"PREFIX 「: {X} CLEAR ALL; LOAD「:y",
    "load": f"LOAD {X}",
    "load silent into": f"LOAD SILENT {X} INTO GRAPH <x:g>",
    "load without a space": f"LOAD{X}",
    "load behind another operation": f"CLEAR ALL;load {X}",
    "load behind a comment": f"#\nLOAD {X}",
}
ALLOWED = [
    "ASK { ?s ?p 'SERVICE <x:> {}' }",
    'ASK { ?s ?p """a "SERVICE" \\""" LOAD """ }',
    "ASK { ?s ?p '''\nSERVICE <x:> {\n''' }",
    "ASK { } # SERVICE <x:> { } LOAD <x:>",
    "ASK { ?s <http://example.org/service/LOAD#service> ?o }",
    "PREFIX service: <http://example.org/> ASK { service:a service:service ?service ; service:load $load . }",
    "PREFIX service: <http://example.org/> ASK { GRAPH service:g { ?s ?p ?o } }",
    "PREFIX ex: <http://example.org/> ASK { ?s ex:service ex:a.service . ?s ex:se\\-rvice 'a'@service }",
    "ASK { _:service ?p ?o }",
    "SELECT * { VALUES (?a ?b) { (<http://example.org/a> <http://example.org/service>) } }",
    "SELECT * { ?a ?p ?b FILTER(?a < ?b && ?b > 3 || ?a <= 1) }",
    "INSERT DATA { <x:s> <x:p> 'LOAD <x:>' }",
    "PREFIX 「」: <x:> ASK { ?℃ 「」:！ 「」:a℃.b「c , _:「 . ?！ ?SERVICE「 「」:SERVICE！ }",
]


@pytest.mark.parametrize("name", REFUSED)
def test_service_and_load_are_refused_with_a_reason(name: str):
    with pytest.raises(ForbiddenError, match=r"SERVICE|LOAD|`<`"):
        syntax.read(REFUSED[name])


def test_a_letter_that_only_unicode_takes_for_an_s_makes_no_difference():
    with pytest.raises(ForbiddenError, match="SERVICE"):
        syntax.read(f"ASK {{ ſervice {X} {{ ?s ?p ?o }} }}")


@pytest.mark.parametrize("text", ALLOWED)
def test_the_words_are_fine_where_they_are_no_keywords(text: str):
    syntax.read(text)
    ox.Store().update(text) if syntax.read(text).form is Form.UPDATE else ox.Store().query(text)


LOST = {
    "a subquery": "GRAPH ?g { SELECT ?s { ?s ?p ?o } }",
    "a subquery in a group": "GRAPH ?g { ?s <a:p> ?o { SELECT ?s { ?s <a:p> ?o } } }",
    "a subquery in a filter": "GRAPH ?g { ?s ?p ?o FILTER EXISTS { SELECT ?s { ?s <a:q> ?z } } }",
    "values": "GRAPH ?g { VALUES ?x { 1 } }",
    "values of several": "GRAPH#c\n?g{VALUES(?x ?y){(1 2)}}",
    "values and a binding": "GRAPH $g { VALUES ?x { 1 } BIND(?x AS ?y) FILTER(?x) }",
    "values and a filter's function": "GRAPH ?g { VALUES ?x { 1 } FILTER <a:f>(?x) }",
    "values beside what may be missing": "GRAPH ?g { VALUES ?x { 1 } OPTIONAL { ?s ?p ?x } }",
    "another graph": "GRAPH ?g { GRAPH <a:g1> { ?s ?p ?o } }",
    "another variable": "GRAPH ?g { GRAPH ?h { ?s ?p ?o } }",
    "a union": "GRAPH ?g { { ?s <a:p> ?o } UNION { VALUES ?s { <a:1> } } }",
    "a union the other way round": "GRAPH ?g { { VALUES ?s { <a:1> } } UNION { ?s <a:p> ?o } }",
    "inside another group": "{ OPTIONAL { GRAPH ?g { { VALUES ?x { 1 } } } } }",
}
UNSHARED = {
    "nothing is shared": "?s <a:p> ?o MINUS { ?x <a:q> ?y }",
    "what may be missing": "?s ?p ?o OPTIONAL { ?o <a:q> ?y } MINUS { ?x <a:p> ?y }",
    "of one branch only": "{ ?s <a:p> ?o } UNION { ?z <a:q> ?w } MINUS { ?s <a:p> ?x }",
    "a filter's": "?s <a:p> ?o MINUS{?x <a:q> ?y FILTER(!BOUND(?s))}",
    "in what may be missing": "?s <a:p> ?o OPTIONAL { ?o <a:q> ?z MINUS { ?x <a:p> ?y } }",
}
KEPT = [
    "",
    "?s <a:p> ?o MINUS { ?o <a:q> ?z }",
    "?s ?p ?o OPTIONAL { ?o <a:q> ?z } MINUS { ?s <a:q> ?z }",
    "{ ?s <a:p> ?o } UNION { ?s <a:q> ?o } MINUS { ?s <a:q> ?z }",
    "?s ?p ?o MINUS { { ?s <a:q> 1 } UNION { ?x <a:p> ?s } }",
    "[ <a:p> ?o ] MINUS { [ <a:p> ?o ] }",
    "VALUES ?s { <a:1> } ?s ?p ?o MINUS { ?s <a:q> ?z }",
    "VALUES ?s { <a:1> } ?s ?p ?o",
    "VALUES (?s ?x) { (<a:1> 1) } { ?s ?p ?o }",
    "?s ?p ?o VALUES ?x { 1 }",
    "?s <a:p> ?o OPTIONAL { VALUES ?x { 1 } }",
    "{ ?s <a:p> ?o } UNION { ?s <a:q> ?o } VALUES ?x { 1 }",
    "?s (<a:p>|<a:q>)+ ?o GRAPH <a:g2> { ?s <a:q> ?z }",
    "[] ^<a:p> ?o . GRAPH <a:g2> { ?o ?q ?z }",
    "[ <a:p> ?o ] GRAPH <a:g2> { ?o ?q ?z }",
    "BIND(1 AS ?x)",
    "FILTER(true) OPTIONAL { ?s <a:q> ?o }",
    "{} UNION { ?s ?p ?o }",
]
GRAPHS = ("a:g1", "a:g2", "a:empty")


def solutions(pattern: str) -> list[str]:
    store = ox.Store()
    store.update(
        "INSERT DATA { GRAPH <a:g1> { <a:1> <a:p> <a:2> . <a:2> <a:p> <a:3> } GRAPH <a:g2> { <a:3> <a:p> <a:1> . <a:1> <a:q> 1 } } ; "
        "CREATE GRAPH <a:empty>"
    )
    rows = store.query(f"SELECT * {{ {pattern} }}")
    names = sorted(rows.variables, key=str)
    return sorted(str([(str(name), str(row[name])) for name in names if row[name] is not None]) for row in rows)


def in_each_graph(group: str) -> list[str]:
    return [found for iri in GRAPHS for found in solutions(f"GRAPH <{iri}> {{ {group} }} BIND(<{iri}> AS ?g)")]


@pytest.mark.parametrize("name", LOST)
def test_what_the_engine_would_lose_a_graph_for_is_refused(name: str):
    with pytest.raises(UnsupportedError, match=r"put GRAPH into the subquery.* \(at 1:"):
        syntax.read(f"SELECT * {{ {LOST[name]} }}")
    with pytest.raises(UnsupportedError):
        syntax.read(f"INSERT {{ ?s ?p ?o }} WHERE {{ {LOST[name]} }}")


@pytest.mark.parametrize("group", KEPT)
def test_other_groups_behind_graph_mean_what_they_mean_in_each_graph(group: str):
    syntax.read(f"SELECT * {{ GRAPH ?g {{ {group} }} }}")
    assert solutions(f"GRAPH ?g {{ {group} }}") == sorted(in_each_graph(group))


@pytest.mark.parametrize("name", UNSHARED)
def test_minus_that_the_engine_would_let_share_the_graph_alone_is_refused(name: str):
    group = UNSHARED[name]
    with pytest.raises(UnsupportedError, match=rf"FILTER NOT EXISTS \(at 1:{len('SELECT * { GRAPH ?g { ') + group.index('MINUS') + 1}\)"):
        syntax.read(f"SELECT * {{ GRAPH ?g {{ {group} }} }}")
    assert solutions(f"GRAPH ?g {{ {group} }}") != sorted(in_each_graph(group)), "the engine has learnt it: refuse it no longer"


def test_what_is_refused_behind_a_variable_is_fine_behind_a_name():
    for pattern in [*LOST.values(), *(f"GRAPH ?g {{ {group} }}" for group in UNSHARED.values())]:
        if "?h" not in pattern:
            syntax.read(f"SELECT * {{ {pattern.replace('?g', '<a:g1>').replace('$g', '<a:g1>')} }}")


MARKS = [*"{}()[]<>?:.;,'\"\\#@^!|&=+-/* \n\r\t", "'''", '"""', "\\'", "\\u0053", "#>", "·", "é", "²", "\u00a0", "\u2028", "\x0b"]
TERMS = [X, "?s", "?p", "?o", "<a", "true", "1", "1.", "1e5", "a", "ex:", ":a", "ex:a.", "_:b", "@en", "^^<x:d>"]
WORDS = ["SERVICE", "service", "SILENT", "GRAPH", "OPTIONAL{", "UNION", "SELECT", "VALUES", "EXISTS{", "MINUS{"]
PARTS = ["FILTER(", "FILTER(?s<?b)", "{?s ?p ?o}", "VALUES ?x {<x:>}", "BIND(1 AS ?z)"]
PIECES = st.sampled_from([*MARKS, *TERMS, *WORDS, *PARTS])


@settings(max_examples=1500, deadline=None)
@given(
    st.lists(PIECES, max_size=8),
    st.lists(PIECES, max_size=5),
    st.lists(PIECES, max_size=5),
    st.sampled_from(["{?s ?p ?o}", "", "#\n{?s ?p ?o}"]),
)
@example(["?s ?o ?p ", "FILTER(?s<?b)"], [], ["?s", "#>"], "\n{?s ?p ?o}")
def test_no_query_that_passes_makes_the_engine_connect(before: list[str], between: list[str], target: list[str], rest: str):
    """Everything around the word is arbitrary; an engine that reaches the network says so by its error, as nothing can be reached."""
    text = f"PREFIX : {X} PREFIX ex: {X} SELECT * {{ {''.join(before)}SERVICE{''.join(between)}{''.join(target)}{rest} }}"
    try:
        syntax.read(text)
    except (ForbiddenError, QuerySyntaxError, TooDeepError):
        return
    try:
        list(ox.Store().query(text))
    except SyntaxError:
        return
    except (OSError, RuntimeError) as error:
        raise AssertionError(f"the engine would have connected for {text!r}: {error}") from error


# PN_CHARS_BASE (SPARQL 1.1 Query, 19.8, rule 164), its ends and what is next to them; what is a letter to Python and not to SPARQL
EDGES = (
    "ªµº¿ÀÖ×Øö÷ø˿̀ͯͰͽ\u037e\u037f\u1fff\u2000"
    "\u200b\u200c\u200d\u200e\u203f\u2040\u2041⁰\u218f\u2190℃①Ⰰ\u2fef⿰\u3000\u3001「\ud7ff\ue000豈\ufdcf\ufdd0ﷰ！\uffef٣²"
)


@pytest.mark.parametrize("text", ["?{0}", "?a{0}", "x:{0}", "x:a{0}", "_:{0}", "{0}:a"])
@pytest.mark.parametrize("character", EDGES)
def test_a_name_is_read_where_the_engine_reads_one(character: str, text: str):
    """And no further: what is more to the tokenizer than to the engine could hide a word behind it."""
    declared = f"PREFIX {character}: <x:>" if text.startswith("{") else "PREFIX x: <x:>"
    query = f"{declared} ASK {{ ?s <x:p> {text.format(character)} }}"
    try:
        ox.Store().query(query)
    except SyntaxError:
        with pytest.raises(QuerySyntaxError, match=r"unexpected|control character"):
            syntax.read(query)
    else:
        syntax.read(query)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("SELECT.a-b.-1", ["SELECT", ".", "a", "-", "b", ".", "-", "1"]),
        ("a.b:c.d.", ["a.b:c.d", "."]),
        ("a.b. :c", ["a", ".", "b", ".", ":c"]),
        ("a.b._:c _a.b:c", ["a.b._:c", "_a", ".", "b:c"]),
        ("a-?b", ["a", "-", "?b"]),
        ("a..b...", ["a", ".", ".", "b", ".", ".", "."]),
    ],
)
def test_dots_and_hyphens_are_of_a_name_only_before_its_colon(text: str, found: list[str]):
    assert [word for _, word, _ in syntax.tokens(text)] == found
    assert all(text[start:].startswith(word) for _, word, start in syntax.tokens(text))


def test_a_combining_character_begins_no_token_where_no_name_was():
    with pytest.raises(QuerySyntaxError, match=r"at 1:7"):
        list(syntax.tokens("ASK a.· "))


PIECES_IN_A_ROW = ["a.", "a..", "a-", "_a.", "「.", "a:b.", "a'b'", "<a ", "a.1", "x:%41", "?a.", "@a-", '""" "', "1a.", "a\\"]


@pytest.mark.parametrize("piece", PIECES_IN_A_ROW)
def test_the_time_to_read_a_text_is_in_proportion_to_its_length(piece: str):
    """A few milliseconds, which were minutes for some."""
    began = time.process_time()
    try:
        sum(1 for _ in syntax.tokens(piece * 20_000))
    except QuerySyntaxError as error:
        assert "not SPARQL at" in str(error)
    assert time.process_time() - began < 3


@pytest.mark.parametrize("construct", NESTED)
def test_nesting_is_limited_and_the_limit_is_safe_for_the_engine(construct: str):
    with pytest.raises(TooDeepError, match="levels deep"):
        syntax.read(NESTED[construct](MAX_DEPTH + 1))
    text = NESTED[construct](MAX_DEPTH // 2)
    syntax.read(text)
    try:
        list(ox.Store().query(text))
    except SyntaxError:
        assert construct == "signs"  # no SPARQL, and refused by the engine's parser


@pytest.mark.parametrize(
    "text",
    ["ASK { ?s ?p 'a }", 'ASK { ?s ?p """a"" }', "ASK {\0}", "ASK {} \x01", "ASK { ?s ?p `a` }", "", "# only a comment", "PREFIX a: <x:>"],
)
def test_what_is_no_sparql_is_refused_with_its_place(text: str):
    with pytest.raises(QuerySyntaxError, match=r"\d+:\d+|there is no"):
        syntax.read(text)


@pytest.mark.parametrize(
    ("text", "form", "names_dataset", "volatile"),
    [
        ("select * {}", Form.SELECT, False, False),
        ("PREFIX select: <x:> BASE <x:> ASK {}", Form.ASK, False, False),
        ("SELECT*FROM<x:g>{}", Form.SELECT, True, False),
        ("DESCRIBE <x:from>", Form.DESCRIBE, False, False),
        ("CONSTRUCT { ?s ?p 'FROM' } FROM NAMED <x:g> WHERE { ?s ?p ?o }", Form.CONSTRUCT, True, False),
        ("ASKFROM<x:g>{?s ?p ?o}", Form.ASK, True, False),
        ("PREFIX x: <x:> ASK FROMx:g{?s ?p ?o}", Form.ASK, True, False),
        ("PREFIX from: <x:> DESCRIBE from:a", Form.DESCRIBE, False, False),
        ("PREFIX from: <x:> SELECT * { ?s ?p ?o } ORDER BY from:f(?s)", Form.SELECT, False, False),
        ("SELECT (now() AS ?t) {}", Form.SELECT, False, True),
        ("SELECT ?s { ?s ?p ?o } ORDER BYRAND() LIMIT 1", Form.SELECT, False, True),
        ("SELECT (COUNT(DISTINCTRAND()) AS ?n) {}", Form.SELECT, False, True),
        ("CONSTRUCT { <x:a> <x:b> (1) } WHERE {}", Form.CONSTRUCT, False, True),
        ("CONSTRUCT { <<<x:a> <x:b> 1>> <x:c> 2 } WHERE {}", Form.CONSTRUCT, False, True),
        ("CONSTRUCT { <x:a> <x:b> 1 {| <x:c> 2 |} } WHERE {}", Form.CONSTRUCT, False, True),
        ("CONSTRUCT { <x:a> <x:b> 1 ~ } WHERE {}", Form.CONSTRUCT, False, True),
        ("CONSTRUCT { ?s ?p ?o } WHERE { ?s ?p ?o FILTER(?o < (1) || ?o > 2) }", Form.CONSTRUCT, False, False),
        ("CONSTRUCT { _:a ?p ?o } { ?s ?p ?o }", Form.CONSTRUCT, False, True),
        ("WITH <x:g> DELETE { ?s ?p ?o } WHERE { ?s ?p ?o }", Form.UPDATE, True, False),
        ("DELETE DATA { <x:s> <x:p> 'USING' }", Form.UPDATE, False, False),
    ],
)
def test_form_dataset_and_volatility_are_read(text: str, form: Form, names_dataset: bool, volatile: bool):
    reading = syntax.read(text)
    assert (reading.form, reading.names_dataset, reading.volatile) == (form, names_dataset, volatile)


@settings(max_examples=1500, deadline=None)
@given(
    st.lists(st.one_of(PIECES, st.sampled_from(["SELECT ", "ASK ", "PREFIX p: <x:p> ", "FROM ", "NOW()", "BNODE()", "-- "])), max_size=14)
)
@example(["PREFIX p: <x:p> ", "SELECT ", "{}"])
@example(["PREFIX p: <x:p> # <x:q>", "SELECT ", "\n{}"])
@example(["PREFIX p: <x:p> ", "FROM ", "<x:q>", "ASK ", "{}"])
@example(["PREFIX p: <x:{> ", "SELECT ", "{}"])
@example(["PREFIX p: <x:p>", "p:SELECT ", "{}"])
@example(["SELECT", "-", "1.", "ex:"])
def test_a_plain_query_is_read_as_its_tokens_say(pieces: list[str]):
    text = "".join(pieces)
    if plain := syntax._plain(text):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(syntax, "_plain", lambda _: None)
            assert syntax.read(text) == plain
