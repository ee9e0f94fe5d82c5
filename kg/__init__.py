"""Claims in, published graph out: RDF, store, snapshots, queries, commands, HTTP."""
