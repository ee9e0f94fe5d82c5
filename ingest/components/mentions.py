"""`aikg_mentions`: which spans of the text name something.

Gazetteer names stand unless a longer name holds them ("Dell" in "Dell Technologies Capital"); other names are runs of name-like tokens
for which the base model's entities, the tags, or another place in the article speak. Types and entities are given by `aikg_linking`.
"""

import re
from collections.abc import Iterable, Iterator

from spacy.language import Language
from spacy.tokens import Doc, Span, SpanGroup, Token

from ingest.components import GAZETTEER, MENTIONS
from ingest.components.pieces import ENTITY_LABELS, Piece, pieces
from ingest.components.runs import is_code
from ingest.lexicon import first_names, words
from ingest.model import BlockKind, EntityType, MentionKind
from ingest.names import clean

_BODIES = words("public_body_heads") | words("organization_heads") | {"house", "times", "post", "journal"}  # "the Commission"
_NAME_TAGS = frozenset({"NNP", "NNPS", "CD", "HYPH", "IN", "CC", ".", ",", "DT", "POS"})
_VERSION = re.compile(r"[A-Za-z][-–]\d")


@Language.factory("aikg_mentions", requires=["doc.ents", "doc.spans", "token.tag"], assigns=["doc.spans"])
def create(nlp: Language, name: str) -> "Mentions":
    """Runs after `aikg_gazetteer` and the base pipeline."""
    return Mentions(_ordinary_words(nlp))


class Mentions:
    """Fills `doc.spans["mentions"]`; known names carry their entity's id, the others wait for `aikg_linking`.

    A capitalised word among the `ordinary` ones is a name only where more speaks for it than a tag.
    """

    def __init__(self, ordinary: frozenset[str] = frozenset()) -> None:
        self._ordinary = ordinary

    def __call__(self, doc: Doc) -> Doc:
        headline, starts = _headline_tokens(doc), _starts(doc)
        known = [span for span in doc.spans[GAZETTEER] if _stands(span, starts, headline, self._ordinary)]
        sure: list[Piece] = []
        unsure: list[Piece] = []
        peoples = {span.start for span in doc.spans[GAZETTEER] if _is_people(span)}
        for piece in pieces(doc, known, starts, peoples):
            if piece.known is None:
                (sure if self._is_sure(doc, piece, starts, headline) else unsure).append(piece)
        spans = [*_kept(known, sure), *(_span(doc, piece) for piece in sure)]
        spans += _again(doc, unsure, sure)
        spans.sort(key=lambda span: (span.start, span.end, span.kb_id_))
        doc.spans[MENTIONS] = SpanGroup(doc, name=MENTIONS, spans=spans)
        return doc

    def _is_sure(self, doc: Doc, piece: Piece, starts: frozenset[int], headline: set[int]) -> bool:
        """Whether the place itself shows that the piece is a name."""
        tokens = doc[piece.start : piece.end]
        entity = any(token.ent_type_ in ENTITY_LABELS for token in tokens)
        proper = all(token.tag_ in _NAME_TAGS for token in tokens)
        coded = _is_coded(tokens)
        if piece.start in headline:
            person = tokens[0].text in first_names() and all(token.ent_type_ == "PERSON" for token in tokens)
            return person or (len(tokens) == 1 and is_code(tokens.text))
        if piece.start in starts:
            return (entity and (len(tokens) > 1 or proper)) or (proper and len(tokens) > 1) or (coded and len(tokens) > 1)
        if len(tokens) == 1 and tokens.text.istitle() and tokens.text.lower() in self._ordinary:
            return entity or (doc[piece.start - 1].lower_ == "the" and tokens.text.lower() in _BODIES) or _is_listed(tokens[0])
        return entity or proper or coded


def _ordinary_words(nlp: Language) -> frozenset[str]:
    """Nouns, verbs and adjectives of the base pipeline's lemmatizer; none where it has no such table."""
    if "lemmatizer" not in nlp.pipe_names:
        return frozenset()
    lookups = getattr(nlp.get_pipe("lemmatizer"), "lookups", None)
    if lookups is None or not lookups.has_table("lemma_index"):
        return frozenset()
    return frozenset(word for kind in ("noun", "verb", "adj") for word in lookups.get_table("lemma_index").get(kind, ()))


def _is_coded(tokens: Span) -> bool:
    """Whether letters and digits or capitals mix as in no ordinary word: "H100", "Grok-1", "oneAPI"."""
    return bool(_VERSION.search(tokens.text)) or any(
        is_code(token.text) or any(c.isupper() for c in token.text[1:]) for token in tokens if len(token) > 1
    )


def _is_listed(token: Token) -> bool:
    """Whether an ordinary word in capitals stands between commas in a list of names: "Epic, Match, and others"."""
    others = [*([token.head] if token.dep_ == "conj" else []), *(child for child in token.children if child.dep_ == "conj")]
    beside = {token.nbor(step).text for step in (-1, 1) if 0 <= token.i + step < len(token.doc)}
    return "," in beside and token.tag_ == "NNP" and any(other.tag_ == "NNP" and other.ent_type_ in ENTITY_LABELS for other in others)


def _headline_tokens(doc: Doc) -> set[int]:
    """Tokens of headings in title case, where a capital says nothing."""
    found: set[int] = set()
    for block in doc._.blocks:
        if block.kind is BlockKind.HEADING:
            span = doc.char_span(block.start_char, block.end_char, alignment_mode="expand")
            long = [token for token in span or () if token.is_alpha and len(token) > 3]
            if span is not None and sum(token.text[0].isupper() for token in long) > 0.6 * max(1, len(long)):
                found.update(range(span.start, span.end))
    return found


def _starts(doc: Doc) -> frozenset[int]:
    """Tokens that are capitalised for their place: the first word of a sentence, and a word after an opening quote or colon."""
    found = set()
    opening = True
    for token in doc:
        if token.is_sent_start:
            opening = True
        if opening and not (token.is_punct or token.is_space or token.is_quote):
            found.add(token.i)
            opening = False
        elif token.text in (":", "“", "‘", "•", "—") or (token.text in "\"'" and token.i + 1 < len(doc) and not token.whitespace_):
            opening = True
    return frozenset(found)


def _is_people(span: Span) -> bool:
    """ "Americans" are no place."""
    return span.id_ == MentionKind.ADJECTIVE.value and span.text.endswith("s") and span.root.tag_ in ("NNS", "NNPS")


def _stands(span: Span, starts: frozenset[int], headline: set[int], ordinary: frozenset[str]) -> bool:
    """A known name of one ordinary word at a sentence's start or in a headline needs the tagger's word that it is a name."""
    if _is_people(span):
        return False
    if span.label_ == EntityType.CONCEPT.value:
        return span.root.pos_ in ("NOUN", "PROPN", "ADJ") and not (
            span.root.dep_ in ("compound", "amod", "nmod") and span.root.head.i >= span.end
        )
    if len(span) > 1 or not span.text.istitle() or (ordinary and span.text.lower() not in ordinary):
        return True
    if not (span.start in starts or span.start in headline) or span[0].tag_ in ("NNP", "NNPS", "JJ") or span[0].ent_type_:
        return True
    if span[0].tag_ == "UH":  # "Zoom said"
        return span.end < len(span.doc) and span.doc[span.end].tag_ in ("VBD", "VBZ")
    return span[0].tag_ == "NN" and span[0].dep_ in ("nsubj", "poss")  # "Anthropic competes": a bare singular noun as the subject is a name


def _kept(known: list[Span], longer: list[Piece]) -> Iterator[Span]:
    """Known names that no longer name holds."""
    taken = {i for piece in longer for i in range(piece.start, piece.end)}
    return (span for span in known if span.start not in taken and span.end - 1 not in taken)


def _span(doc: Doc, piece: Piece) -> Span:
    return Span(doc, piece.start, piece.end, span_id=MentionKind.NAME.value)


def _again(doc: Doc, unsure: Iterable[Piece], sure: Iterable[Piece]) -> Iterator[Span]:
    """Names in unsure places (headlines, starts of sentences) that the article also uses in a sure one; the longest wins."""
    names = {clean(doc[piece.start : piece.end].text) for piece in sure}
    longest = max((name.count(" ") + 1 for name in names), default=0) + 2
    for piece in unsure:
        at = piece.start
        while at < piece.end:
            end = next((e for e in range(min(piece.end, at + longest), at, -1) if clean(doc[at:e].text) in names), None)
            if end is not None:
                yield Span(doc, at, end, span_id=MentionKind.NAME.value)
            at = end or at + 1
