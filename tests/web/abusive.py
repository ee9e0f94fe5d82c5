"""Queries that take all the time or memory that they get, and data on which they do."""

NODES = 20_000
QUADS_TO_ABUSE = "".join(
    f"<http://example.org/s{i}> <http://example.org/p{i % 7}> <http://example.org/s{i * 7919 % NODES}> <http://example.org/g> .\n"
    for i in range(NODES)
)
ABUSIVE = {
    "cross product counted": "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i . ?j ?k ?l . ?m ?o ?p . ?q ?r ?s . ?t ?u ?v }",
    "cross product sorted": "SELECT * { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i } ORDER BY ?f ?i",
    "negated path": "SELECT (COUNT(*) AS ?n) { ?a (!<http://example.org/x>)* ?b }",
    "doubling": "SELECT (STRLEN(?x30) AS ?n) { BIND('aaaaaaaaaaaaaaaa' AS ?x0) "
    + " ".join(f"BIND(CONCAT(?x{i}, ?x{i}) AS ?x{i + 1})" for i in range(30))
    + " }",
    "product of values": "SELECT (COUNT(*) AS ?n) { "
    + " ".join(f"VALUES ?v{k} {{ {' '.join(map(str, range(20)))} }}" for k in range(8))
    + " }",
    "two thousand patterns": "SELECT * { " + " . ".join(f"?a{i} ?b{i} ?a{i + 1}" for i in range(2000)) + " }",
    "nested replacement": f"SELECT (STRLEN({'REPLACE(' * 9}'{'a' * 30}'{", 'a', 'aaaaaaaaaa')" * 9}) AS ?n) {{}}",
}
