"""The pipeline's steps, each a registered spaCy component in its own module.

What they leave on the `Doc`, besides what the base pipeline sets:

- `doc._.article`: the Article (its `blocks` are those of `doc._.blocks`; its author is the default voice).
- `doc._.blocks`: the Blocks, in text order.
- `doc.spans["gazetteer"]`: gazetteer names, longest match, disjoint; `kb_id_` is the KnownEntity's id.
- `doc.spans["mentions"]`: every mention in text order; `label_` is the EntityType, `kb_id_` the entity id, `id_` the MentionKind.
  Two mentions may share a span ("both companies", "the French and German governments").
- `doc._.entities`: the entities by id; `doc._.certainty`: by id, how probable the kind of a new one is (one that is not there is certain).
- `doc._.claims`: the claims in text order.

`aikg_attributes` and `aikg_lemmas` take the places of two components of the base pipeline, and set what these set.
`aikg_mends` changes what the base pipeline set, for all that run after it.

A component that has a method `use_schema(schema)` is given the Schema before the first article.
"""

from spacy.tokens import Doc

GAZETTEER = "gazetteer"
MENTIONS = "mentions"


def register_extensions() -> None:
    """Declares the attributes under `doc._` (idempotent)."""
    for name, default in (("article", None), ("blocks", ()), ("entities", {}), ("certainty", {}), ("claims", ())):
        Doc.set_extension(name, default=default, force=True)


def text_of(doc: Doc) -> str:
    """`doc.text`, which spaCy puts together anew each time; the Article has the same."""
    article = doc._.article
    return doc.text if article is None else str(article.text)
