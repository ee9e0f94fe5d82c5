"""`aikg_attribution`: to whom the text attributes a claim.

Read in this order: the speaker of the quotation around the claim, the subject of the verb of saying over it, "according to …", and in an
opinion piece with a named author the author. Empty: the article says it itself.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from spacy.language import Language
from spacy.tokens import Doc, Token
from spacy.tokens import Span as DocSpan

from ingest.components import MENTIONS, text_of
from ingest.components.qualifiers import trigger_of
from ingest.model import Article, Claim, Entity, EntityType
from ingest.names import new_id
from ingest.vocabulary import SPEECH, words

_OPEN, _CLOSE = "“", "”"
_MARK = re.compile(r"[“”\"]")
_REPRESENTATIVES = words("attorney lawyer official representative spokesman spokesperson spokeswoman")
_SPEAKERS = frozenset(
    {
        EntityType.PERSON,
        EntityType.COMPANY,
        EntityType.PUBLIC_BODY,
        EntityType.GOVERNMENT,
        EntityType.ORGANIZATION,
        EntityType.RESEARCH_ORGANIZATION,
    }
)
_OPINION = ("opinion", "op-ed", "commentary", "column")
_FIRST_PERSON = frozenset({"i", "my", "me"})


@dataclass(frozen=True, slots=True)
class Quote:
    """Characters of the text between two quotation marks, the marks included; half-open."""

    start_char: int
    end_char: int


@Language.factory("aikg_attribution", requires=["doc._.claims", "doc.spans", "token.dep"], assigns=["doc._.claims", "doc._.entities"])
def create(nlp: Language, name: str) -> "Attribution":
    """Runs after `aikg_qualifiers`."""
    return Attribution()


class Attribution:
    """Sets the attribution of `doc._.claims`; adds the author of an opinion piece to `doc._.entities`."""

    def __call__(self, doc: Doc) -> Doc:
        if not doc._.claims:
            return doc
        voices = Voices(doc)
        heard = [(claim, voices.of(claim)) for claim in doc._.claims]
        author = author_entity(doc)
        doc._.claims = tuple(replace(claim, attribution=voice or (author.id if author else "")) for claim, voice in heard)
        if author and any(claim.attribution == author.id for claim in doc._.claims):
            doc._.entities = {author.id: author, **doc._.entities}
        return doc


class Voices:
    """Who speaks where in a document."""

    def __init__(self, doc: Doc) -> None:
        self._doc = doc
        self._quotes = quotes(doc)
        self._at = {token: mention for mention in doc.spans[MENTIONS] for token in range(mention.start, mention.end)}

    def of(self, claim: Claim) -> str:
        """The entity id of whoever states the claim, or empty."""
        trigger = trigger_of(self._doc, claim)
        quote = next((q for q in self._quotes if q.start_char <= trigger.idx < q.end_char), None)
        if quote is not None:
            return self._quoted(quote)
        return self._reported(trigger) or self._according(trigger.sent)

    def _reported(self, trigger: Token) -> str:
        token = trigger
        while token.head != token:
            if token.dep_ in ("ccomp", "parataxis") and token.head.lemma_ in SPEECH:
                return self._speaker(token.head)
            if token.dep_ in ("compound", "poss", "nmod", "nsubj", "nsubjpass") and token.head.lemma_ in SPEECH:
                return ""
            token = token.head
        said = next((child for child in token.children if child.dep_ == "parataxis" and child.lemma_ in SPEECH), None)
        return self._speaker(said) if said is not None else ""

    def _speaker(self, verb: Token) -> str:
        subjects = [child for child in verb.children if child.dep_ == "nsubj"]
        if not subjects and verb.dep_ in ("conj", "xcomp", "advcl"):
            subjects = [child for child in verb.head.children if child.dep_ == "nsubj"]
        for subject in subjects:
            mention = next((self._at[i] for i in (subject.i, *_speaks_for(subject)) if i in self._at), None)
            if mention is not None and mention.label_ in _SPEAKERS:
                return str(mention.kb_id_)
        return ""

    def _according(self, sentence: DocSpan) -> str:
        for token in sentence:
            if token.lower_ == "according" and token.i + 1 < len(self._doc) and self._doc[token.i + 1].lower_ == "to":
                named = next((self._at[i] for i in range(token.i + 2, min(token.i + 8, sentence.end)) if i in self._at), None)
                if named is not None and named.label_ in _SPEAKERS:
                    return str(named.kb_id_)
        return ""

    def _quoted(self, quote: Quote) -> str:
        """The subject of a verb of saying in the sentences that the quotation touches, or right beside it in its block."""
        touched = [s for s in self._doc.sents if s.start_char < quote.end_char + 2 and quote.start_char - 2 < s.end_char]
        for sentence in touched:
            for token in sentence:
                if token.lemma_ in SPEECH and not quote.start_char <= token.idx < quote.end_char:
                    speaker = self._speaker(token)
                    if speaker:
                        return speaker
            accorded = self._according(sentence)
            if accorded:
                return accorded
        return ""


def _speaks_for(role: Token) -> Iterator[int]:
    """Whom someone unnamed speaks for: "Meta's spokesman", "a spokeswoman for Meta"."""
    yield from (child.i for child in role.children if child.dep_ == "poss")
    for prep in (child for child in role.children if child.lower_ in ("of", "for", "at") and role.lemma_ in _REPRESENTATIVES):
        yield from (child.i for child in prep.children if child.dep_ == "pobj")


def quotes(doc: Doc) -> list[Quote]:
    """Quotations in text order, each within one block; a block's first unclosed curly mark runs to the block's end."""
    text = text_of(doc)
    return [quote for block in doc._.blocks for quote in _block_quotes(text, block.start_char, block.end_char)]


def _block_quotes(text: str, start: int, end: int) -> list[Quote]:
    found, opened = [], -1
    for mark in _MARK.finditer(text, start, end):
        if opened < 0 and mark[0] != _CLOSE:
            opened = mark.start()
        elif opened >= 0 and mark[0] != _OPEN:
            found.append(Quote(opened, mark.end()))
            opened = -1
    if opened >= 0 and text[opened] == _OPEN:
        found.append(Quote(opened, end))
    return [quote for quote in found if quote.end_char - quote.start_char > 20]


def author_entity(doc: Doc) -> Entity | None:
    """The author as the default voice of an opinion piece: one says so in title or address, or speaks in the first person."""
    article: Article | None = doc._.article
    if article is None or not article.author:
        return None
    marked = any(word in f"{article.title} {article.url}".lower() for word in _OPINION)
    if not marked and not _speaks_as_i(doc):
        return None
    entities: dict[str, Entity] = doc._.entities
    known = {name: entity for entity in entities.values() for name in (entity.label, *entity.alt_labels)}
    if article.author in known:
        return known[article.author]
    identifier = new_id(article.author, EntityType.PERSON, {entity.id: entity.type for entity in entities.values()})
    return Entity(identifier, article.author, EntityType.PERSON)


def _speaks_as_i(doc: Doc) -> bool:
    spoken = quotes(doc)
    own = [token for token in doc if token.lower_ in _FIRST_PERSON and not any(q.start_char <= token.idx < q.end_char for q in spoken)]
    return len(own) >= 3
