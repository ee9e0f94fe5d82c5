"""`aikg_blocks`: block boundaries become sentence boundaries before the parser runs."""

from spacy.language import Language
from spacy.tokens import Doc

from ingest.segment import blocks


@Language.factory("aikg_blocks", assigns=["doc._.blocks", "token.is_sent_start"])
def create(nlp: Language, name: str) -> "Blocks":
    """Runs before the parser, which keeps the boundaries it is given and adds its own."""
    return Blocks()


class Blocks:
    """Starts a sentence where a block starts; segments the text itself where `doc._.blocks` is not set."""

    def __call__(self, doc: Doc) -> Doc:
        if not doc._.blocks:
            doc._.blocks = blocks(doc.text)
        starts = [block.start_char for block in doc._.blocks]
        position = 0
        for token in doc:
            if position < len(starts) and token.idx >= starts[position]:
                token.is_sent_start = True
                while position < len(starts) and token.idx >= starts[position]:
                    position += 1
        return doc
