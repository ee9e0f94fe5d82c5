"""Query workers: processes that answer one query at a time each, on a published snapshot, and can be killed at any moment.

wire     frames between the gateway and a worker
worker   the process: opens snapshots read-only, evaluates, writes results in pieces
writer   the process that updates the store
updates  what an update becomes before it runs
confine  what a worker gives up before its first query: network, writing, memory beyond its cap
jsonld   compacted JSON-LD, as it comes
process  the gateway's end of one worker
crew     as many of them as there should be: snapshots, replacement of what died
job      one request on its way
queue    fair lines
pool     who runs when: deadlines, time slices, places
"""
