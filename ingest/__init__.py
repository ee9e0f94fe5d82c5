"""Text in, claims out.

`ingest` reads articles, runs them through a spaCy pipeline and returns `Extraction` values: the entities an article names and the
claims it makes about them, each tied to the sentence that states it. It knows no RDF, no store and no HTTP; `kg` depends on it, never
the other way round.
"""
