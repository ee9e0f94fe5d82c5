"""Our SPARQL service beside others, on the same quads, in one run.

generate  quads of our shape, the same every time
questions the mix of queries
servers   starts ours, the native oxigraph and rdflib-endpoint on the same N-Quads
load      sends requests, by wrk where it is installed
report    ratios as Markdown and JSON
"""
