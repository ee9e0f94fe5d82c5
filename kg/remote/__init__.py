"""The remote engine: a graph that a SPARQL 1.1 service keeps, `--store http://…` (KG_STORE).

endpoints  where the service takes queries, updates and graphs, and who we are to it
client     HTTP: timeouts, retries of what may be repeated, errors in words, streams
texts      queries made complete: prologue and values of parameters
store      reads like pyoxigraph's Store
writer     writes like kg.store's Writer
restore    a backup, graph by graph

What is assumed of the service: SPARQL 1.1 Query and Update over the SPARQL 1.1 Protocol, results as SPARQL JSON and N-Triples; one update
request, whose operations we join by `;`, is done as a whole or not at all (SPARQL 1.1 Update, 3: “should”; Oxigraph, `kg serve` and
Fuseki with TDB2 do); a named graph is only what is in it. Only restoring a backup needs the Graph Store Protocol.
"""
