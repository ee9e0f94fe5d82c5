"""The graph over HTTP.

connection  one client's connection: bounds on a request's head, and on how long a client may take nothing
idle        how many connections a caller may keep open for nothing
call        one request and its response: headers, body, problems (RFC 9457), abort
protocol    what a request to /sparql asks for (SPARQL 1.1 Protocol)
sparql      /sparql: queries and updates
federation  SERVICE: other endpoints are asked, and the query is rewritten
graphs      /graphs: the Graph Store Protocol
writes      updates and graphs to the writer process
preconditions  If-Match and If-None-Match on writes
answers     queries to workers, answers to clients: negotiation, ETags, streaming
cache       small answers in memory
description the service description
dataset     the VoID description, and the dump that it links to
resources   the pages and data of /entity, /article, /claim, /statement
app         what is where, limits, metrics, one log line a request
metrics     what Prometheus is told
openapi     the OpenAPI document and its page
log         one JSON line a request
server      `kg serve`: binds, prints links, follows snapshots, drains
"""
