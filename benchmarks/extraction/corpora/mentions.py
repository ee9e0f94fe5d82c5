"""The mentions of a corpus's passages. Nothing of a corpus's facts takes part, but for CORE's two given spans."""

from collections.abc import Iterable, Iterator, Sequence

from spacy.language import Language
from spacy.tokens import Doc, Span, Token

from ingest.components import MENTIONS
from ingest.model import EntityType, MentionKind
from ingest.segment import blocks
from ingest.train.corpora import Offsets
from ingest.vocabulary import words

PERSONS = words("he she him his her himself herself i me my myself who whom")
BODIES = words("it its itself they them their themselves we us our ours which that where whose")
_RELATIVES = words("who whom which that where whose")
_SAME = {
    form: pronoun
    for pronoun, forms in (("i", "me my myself"), ("he", "him his himself"), ("she", "her herself"), ("it", "its itself"))
    for form in words(forms)
} | {form: pronoun for pronoun, forms in (("they", "them their themselves"), ("we", "us our ours")) for form in words(forms)}
_KINDS = {"PERSON": EntityType.PERSON, "GPE": EntityType.PLACE, "LOC": EntityType.PLACE, "FAC": EntityType.PLACE}
_KINDS |= dict.fromkeys(("ORG", "PRODUCT", "WORK_OF_ART", "EVENT"), EntityType.COMPANY) | {"NORP": EntityType.ORGANIZATION}


def parsed(nlp: Language, text: str, *, one_sentence: bool = False) -> Doc:
    """The text as the pipeline reads it; `one_sentence`: nothing but its end closes a sentence."""
    doc = nlp.make_doc(text)
    doc._.blocks = blocks(text)
    if one_sentence:
        for token in doc:
            token.is_sent_start = token.i == 0
    return nlp(doc)


def found(doc: Doc) -> list[Span]:
    """The pipeline's mentions without concepts, other names, and every pronoun, also where what it stands for is unclear; in text order.

    A passage is often one sentence of a longer text, so that "He" has nothing to refer to, and still is the subject of a fact.
    """
    mentions = [mention for mention in doc.spans[MENTIONS] if mention.label_ != EntityType.CONCEPT]
    mentions += _names(doc, mentions)
    mentions += _pronouns(doc, mentions)
    human = {mention.kb_id_ for mention in mentions if mention.text.lower() in PERSONS and not mention.kb_id_.startswith("pronoun ")}
    return sorted((_typed(m, EntityType.PERSON) if m.kb_id_ in human else m for m in mentions), key=_order)


def given(doc: Doc, pair: tuple[Offsets, Offsets]) -> list[Span]:
    """The pair's two spans as entities of their own, `GIVEN` by text order, among the pipeline's other mentions; in text order.

    Their types are those of the pipeline's mentions there, or Company.
    """
    mentions = [mention for mention in doc.spans[MENTIONS] if mention.label_ != EntityType.CONCEPT]
    others = [mention for mention in mentions if not any(overlap(mention, offsets) for offsets in pair)]
    return sorted([*others, *(_given(doc, mentions, *end) for end in zip(sorted(pair), GIVEN, strict=True))], key=_order)


GIVEN = ("given 1", "given 2")


def overlap(mention: Span, offsets: Offsets) -> bool:
    """Whether they share a character."""
    return bool(mention.start_char < offsets[1] and mention.end_char > offsets[0])


def _given(doc: Doc, mentions: Sequence[Span], offsets: Offsets, entity: str) -> Span:
    span = doc.char_span(*offsets, alignment_mode="expand")
    assert span is not None  # expanded to whole tokens
    there = [mention for mention in mentions if overlap(mention, offsets)]
    best = max(there, key=lambda m: min(m.end_char, offsets[1]) - max(m.start_char, offsets[0]), default=None)
    return _mention(span, best.label_ if best is not None else EntityType.COMPANY, entity)


def _names(doc: Doc, mentions: Iterable[Span]) -> Iterator[Span]:
    """Entities of the base pipeline, and runs of proper nouns or of words in another script, that are no mentions yet."""
    taken = {i for mention in mentions for i in range(mention.start, mention.end)}
    for entity in doc.ents:
        if entity.label_ in _KINDS and taken.isdisjoint(range(entity.start, entity.end)):
            taken.update(range(entity.start, entity.end))
            yield _mention(entity, _KINDS[entity.label_], f"name {entity.text.lower()}")
    start = 0
    while start < len(doc):
        end = start
        while end < len(doc) and end not in taken and _is_proper(doc[end]):
            end += 1
        if end > start:
            yield _mention(doc[start:end], EntityType.COMPANY, f"name {doc[start:end].text.lower()}")
        start = max(end, start + 1)


def _is_proper(token: Token) -> bool:
    return bool((token.pos_ == "PROPN" and token.text[:1].isupper()) or (token.is_alpha and not token.is_ascii))


def _pronouns(doc: Doc, mentions: Iterable[Span]) -> Iterator[Span]:
    at: dict[int, Span] = {}
    for mention in sorted(mentions, key=len):
        for i in range(mention.start, mention.end):
            at.setdefault(i, mention)
    for token in doc:
        if token.i not in at and _is_pronoun(token):
            yield _pronoun(token, at)


def _is_pronoun(token: Token) -> bool:
    word = token.lower_
    if word == "that":
        return token.tag_ in ("WDT", "WP")
    if word == "where":
        return any(ancestor.dep_ == "relcl" for ancestor in token.ancestors)
    return (word in PERSONS or word in BODIES) and token.text not in ("IT", "US")


def _pronoun(token: Token, at: dict[int, Span]) -> Span:
    """A relative pronoun stands for the mention that its clause describes; others of one person and number for one another."""
    word = token.lower_
    before = _described(token, at) if word in _RELATIVES else None
    kind = EntityType.PERSON if word in PERSONS else EntityType.COMPANY if before is None else EntityType(before.label_)
    unclear = f"pronoun {_SAME.get(word, word)}" + (f" {token.i}" if word in _RELATIVES else "")
    return _mention(token.doc[token.i : token.i + 1], kind, before.kb_id_ if before is not None else unclear, MentionKind.PRONOUN)


def _described(token: Token, at: dict[int, Span]) -> Span | None:
    verb = next((one for one in (token, *token.ancestors) if one.dep_ == "relcl"), None)
    return at.get(verb.head.i) if verb is not None else None


def _mention(span: Span, kind: str, entity: str, how: MentionKind = MentionKind.NAME) -> Span:
    return Span(span.doc, span.start, span.end, label=EntityType(kind).value, kb_id=entity, span_id=how.value)


def _typed(mention: Span, kind: EntityType) -> Span:
    return _mention(mention, kind, mention.kb_id_, MentionKind(mention.id_))


def _order(mention: Span) -> tuple[int, int, str]:
    return (mention.start, mention.end, mention.kb_id_)
