"""`aikg_claims`: which relations the text states between its mentions.

A claim comes from a precise frame (`ingest.patterns`) whose slots both arguments fill directly, or from the trained scorer.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from spacy.language import Language
from spacy.tokens import Doc
from spacy.tokens import Span as DocSpan

from ingest.components import MENTIONS
from ingest.model import Claim, EntityType, Modality, Polarity, Relation, Schema, Span
from ingest.patterns import Frames, cue_frames, default_frames
from ingest.syntax import Tree

Doc.set_extension("claim_triggers", default={}, force=True)

RULE_CONFIDENCE = 0.8
TOPIC_TOKENS = 90


@dataclass(frozen=True, slots=True)
class Candidate:
    """A relation that may hold between two mentions (numbers into `doc.spans["mentions"]`) of one sentence; `trigger` is a token or -1."""

    subject: int
    relation: str
    object: int
    trigger: int
    confidence: float
    why: tuple[str, ...]


@Language.factory("aikg_claims", requires=["doc.spans", "doc._.entities", "token.dep"], assigns=["doc._.claims", "doc._.claim_triggers"])
def create(nlp: Language, name: str) -> "Claims":
    """Runs after `aikg_coreference`; qualifiers and attribution are set by the steps that follow."""
    return Claims()


class Claims:
    """Sets `doc._.claims` (affirmed and actual until the qualifiers are read) and `doc._.claim_triggers`."""

    def __init__(self) -> None:
        self._relations: dict[str, Relation] = {}
        self._frames = Frames(())

    def use_schema(self, schema: Schema) -> None:
        """Takes the frames of the schema's relations; a relation without frames is known by its cues."""
        self._relations = dict(schema.relations)
        framed = [frame for frame in default_frames() if frame.relation in schema.relations]
        known = {frame.relation for frame in framed}
        cued = [
            frame
            for relation in schema.relations.values()
            if relation.name not in known
            for frame in cue_frames(relation.name, relation.cues)
        ]
        self._frames = Frames(framed + cued)

    def __call__(self, doc: Doc) -> Doc:
        mentions = list(doc.spans[MENTIONS])
        found = [
            candidate
            for tree, inside in sentences(doc, mentions, self._frames.topical)
            for candidate in self._candidates(tree, inside, mentions)
        ]
        doc._.claims = tuple(claim(doc, mentions, candidate) for candidate in found)
        doc._.claim_triggers = {key(c): candidate.trigger for c, candidate in zip(doc._.claims, found, strict=True)}
        return doc

    def _candidates(self, tree: Tree, inside: list[int], mentions: list[DocSpan]) -> list[Candidate]:
        hits = self._frames.hits(tree, coverage(mentions, inside), topic=topic(mentions, inside, tree))
        rules = [Candidate(h.subject, h.frame.relation, h.object, h.trigger, RULE_CONFIDENCE, (h.frame.name,)) for h in hits if h.is_rule]
        return distinct((rule for rule in rules if self._allowed(rule, mentions)), mentions, self._relations)

    def _allowed(self, candidate: Candidate, mentions: list[DocSpan]) -> bool:
        relation, subject, object_ = self._relations[candidate.relation], mentions[candidate.subject], mentions[candidate.object]
        return (
            subject.kb_id != object_.kb_id
            and EntityType(subject.label_) in relation.domain
            and EntityType(object_.label_) in relation.range
        )


def sentences(doc: Doc, mentions: list[DocSpan], topical: frozenset[str] = frozenset()) -> Iterator[tuple[Tree, list[int]]]:
    """Each sentence that names two entities, or one beside a word of `topical` (lemmas), with the numbers of its mentions."""
    by_sentence: dict[int, list[int]] = defaultdict(list)
    for number, mention in enumerate(mentions):
        by_sentence[mention.sent.start].append(number)
    for start, inside in sorted(by_sentence.items()):
        sentence = doc[start].sent
        if len({mentions[number].kb_id for number in inside}) > 1 or any(token.lemma_ in topical for token in sentence):
            yield Tree(sentence), inside


def coverage(mentions: list[DocSpan], inside: Iterable[int]) -> dict[int, list[int]]:
    """The numbers of the mentions that cover each token; of nested mentions, the shortest."""
    at: dict[int, list[int]] = {}
    for number in sorted(inside, key=lambda n: len(mentions[n])):
        for token in range(mentions[number].start, mentions[number].end):
            held = at.setdefault(token, [])
            if not held or len(mentions[held[0]]) == len(mentions[number]):
                held.append(number)
    return at


def topic(mentions: list[DocSpan], inside: list[int], tree: Tree) -> int:
    """The last regulation named in the three sentences before this one, or -1: what "objections from Paris" are about."""
    earlier = [n for n in range(inside[0]) if mentions[n].label_ == EntityType.REGULATION and mentions[n].end <= tree.start]
    return earlier[-1] if earlier and tree.start - mentions[earlier[-1]].end <= TOPIC_TOKENS else -1


def distinct(candidates: Iterable[Candidate], mentions: list[DocSpan], relations: dict[str, Relation]) -> list[Candidate]:
    """One candidate for each (subject entity, relation, object entity) of a sentence, the most confident; in text order."""
    best: dict[tuple[object, ...], Candidate] = {}
    for candidate in candidates:
        pair = [mentions[candidate.subject].kb_id, mentions[candidate.object].kb_id]
        identity = (candidate.relation, *(sorted(pair) if relations[candidate.relation].symmetric else pair))
        if identity not in best or candidate.confidence > best[identity].confidence:
            best[identity] = candidate
    return sorted(best.values(), key=lambda c: (c.subject, c.object, c.relation))


def claim(doc: Doc, mentions: list[DocSpan], candidate: Candidate) -> Claim:
    """The candidate as a Claim, with the sentence as its evidence."""
    subject, object_ = mentions[candidate.subject], mentions[candidate.object]
    return Claim(
        subject=subject.kb_id_,
        relation=candidate.relation,
        object=object_.kb_id_,
        polarity=Polarity.AFFIRMED,
        modality=Modality.ACTUAL,
        attribution="",
        confidence=candidate.confidence,
        evidence=evidence(subject.sent),
        subject_mention=_span(subject),
        object_mention=_span(object_),
        why=candidate.why,
    )


def key(claim: Claim) -> tuple[int, str, int]:
    """What identifies a claim within its article while the pipeline runs: mention offsets and relation."""
    return (claim.subject_mention.start_char, claim.relation, claim.object_mention.start_char)


def evidence(sentence: DocSpan) -> Span:
    """The sentence without the white space around it."""
    text = sentence.text
    start = sentence.start_char + len(text) - len(text.lstrip())
    return Span(text.strip(), start, start + len(text.strip()))


def _span(span: DocSpan) -> Span:
    return Span(span.text, span.start_char, span.end_char)
