"""Queries that nest as deep as is asked, one a construct of SPARQL."""

NESTED = {
    "groups": lambda n: "SELECT * " + "{" * n + "}" * n,
    "parentheses": lambda n: "SELECT * { FILTER(" + "(" * n + "1" + ")" * n + ") }",
    "functions": lambda n: "SELECT * { FILTER(" + "STR(" * n + "1" + ")" * n + ") }",
    "not": lambda n: "SELECT * { FILTER(" + "!" * n + "true) }",
    "signs": lambda n: "SELECT * { FILTER(1" + "-" * n + "1) }",
    "subselects": lambda n: "SELECT * " + "{ SELECT * " * n + "{}" + "}" * n,
    "exists": lambda n: "SELECT * {" + "FILTER EXISTS {" * n + "}" * n + "}",
    "paths": lambda n: "SELECT * { ?s " + "(" * n + "<x:p>" + ")*" * n + " ?o }",
    "inverse paths": lambda n: "SELECT * { ?s " + "^(" * n + "<x:p>" + ")" * n + " ?o }",
    "lists": lambda n: "SELECT * { ?s ?p " + "(" * n + "1" + ")" * n + " }",
    "blank nodes": lambda n: "SELECT * { ?s ?p " + "[ <x:p> " * n + "1" + "]" * n + " }",
}
