"""`aikg_claims`: which relations the text states between its mentions.

Every pair of mentions of two entities in a sentence is a candidate for every relation that their types allow. The trained scorer decides
(`ingest.scorer`); beside it precise frames (`ingest.patterns`) whose slots both arguments fill state a claim, also of a relation that
it was not trained for.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from spacy.language import Language
from spacy.tokens import Doc
from spacy.tokens import Span as DocSpan

from ingest.components import MENTIONS, text_of
from ingest.components.pairing import is_crossed
from ingest.evidence import Floats
from ingest.model import Claim, EntityType, Modality, Polarity, Relation, Schema, Span
from ingest.patterns import Frames, Hit, cue_frames, default_frames
from ingest.scan import Scan, Scanner
from ingest.scorer import Scorer, Scores, Weights, shipped

Doc.set_extension("claim_triggers", default={}, force=True)

RULE_CONFIDENCE = 0.8
SHARE = 0.9  # of the best claim's confidence that a rival needs
_RELATING = frozenset({"competitor", "maker", "owner", "parent", "publisher", "rival"})  # "TikTok owner ByteDance"
_REPORTING = frozenset({"report", "write"})
_ROLES = ("leads", "worksFor")
_SOLE = {"develops": "object", "ownedBy": "subject", "basedIn": "subject"}  # a product has one maker, a firm one owner and one seat


@dataclass(frozen=True, slots=True)
class Candidate:
    """A relation that may hold between two mentions (numbers into `doc.spans["mentions"]`) of one sentence; `trigger` is a token or -1."""

    subject: int
    relation: str
    object: int
    trigger: int
    confidence: float
    why: tuple[str, ...]


@Language.factory(
    "aikg_claims",
    default_config={"weights": ""},
    requires=["doc.spans", "doc._.entities", "token.dep"],
    assigns=["doc._.claims", "doc._.claim_triggers"],
)
def create(nlp: Language, name: str, weights: str) -> "Claims":
    """Runs after `aikg_coreference`; qualifiers and attribution follow. `weights`: a file of `kg train`, empty for the package's own."""
    return Claims(Weights.load(Path(weights)) if weights else shipped())


class Claims:
    """Sets `doc._.claims` (affirmed and actual until the qualifiers are read) and `doc._.claim_triggers`."""

    def __init__(self, weights: Weights) -> None:
        self._scorer = Scorer(weights)
        self._relations: dict[str, Relation] = {}
        self._scan = Scanner((), Frames(()))

    def use_schema(self, schema: Schema) -> None:
        """Takes the frames of the schema's relations; a relation without frames is known by its cues."""
        self._relations = dict(schema.relations)
        self._scan = scanner(schema)

    def __call__(self, doc: Doc) -> Doc:
        scan = self._scan(doc, list(doc.spans[MENTIONS]))
        put(doc, scan.mentions, self._found(scan))
        return doc

    def _found(self, scan: Scan) -> list[Candidate]:
        found = [rule for rule in rules(scan.hits) if fits(rule, scan.mentions, self._relations)]
        if len(scan.encoded.pairs):
            scores = self._scorer(scan, self._scan.relations)
            found += decode(scan, scores, self._scorer.relations, self._scorer.threshold, self._scorer)
        return distinct(found, scan.mentions, self._relations)


def fits(candidate: Candidate, mentions: list[DocSpan], relations: Mapping[str, Relation]) -> bool:
    """Whether the arguments are two entities of types that the relation allows."""
    relation, subject, object_ = relations[candidate.relation], mentions[candidate.subject], mentions[candidate.object]
    differ = subject.kb_id != object_.kb_id
    return differ and EntityType(subject.label_) in relation.domain and EntityType(object_.label_) in relation.range


def scanner(schema: Schema) -> Scanner:
    """The scanner for a schema's relations, by their frames in `frames.toml`, or by their cues where they have none."""
    framed = [frame for frame in default_frames() if frame.relation in schema.relations]
    known = {frame.relation for frame in framed}
    cued = [
        frame for relation in schema.relations.values() if relation.name not in known for frame in cue_frames(relation.name, relation.cues)
    ]
    return Scanner(tuple(schema.relations.values()), Frames(framed + cued))


def rules(hits: Iterable[Hit]) -> Iterator[Candidate]:
    """The hits that are precise enough to state a claim alone."""
    return (
        Candidate(hit.subject, hit.frame.relation, hit.object, hit.trigger, RULE_CONFIDENCE, (hit.frame.name,))
        for hit in hits
        if hit.is_rule
    )


def decode(scan: Scan, scores: Scores, relations: Sequence[str], threshold: Floats, scorer: Scorer | None = None) -> list[Candidate]:
    """The pairs whose probability reaches their relation's threshold, with the patterns (from the scorer, features too) behind them."""
    patterns: dict[tuple[int, int, str], list[Hit]] = {}
    for hit in scan.hits:
        patterns.setdefault((hit.subject, hit.object, hit.frame.relation), []).append(hit)
    found = []
    for row in np.flatnonzero(scores.probability >= threshold[scores.relation]).tolist():
        pair, relation, probability = int(scores.pair[row]), int(scores.relation[row]), float(scores.probability[row])
        subject, object_ = int(scan.encoded.pairs.subject[pair]), int(scan.encoded.pairs.object[pair])
        ends = (scan.mentions[subject], scan.mentions[object_])
        if any(_reports(*way) or _belongs_elsewhere(*way) for way in (ends, ends[::-1])):
            continue
        name = relations[relation]
        hits = sorted(patterns.get((subject, object_, name), ()), key=lambda hit: (not hit.is_rule, not hit.frame.strong))
        reasons = scorer.reasons(scan, pair, relation) if scorer else ()
        why = (*dict.fromkeys(hit.frame.name for hit in hits[:2]), *reasons)
        found.append(Candidate(subject, name, object_, hits[0].trigger if hits else -1, round(probability, 4), why))
    return likeliest(found, scan.mentions)


def _reports(source: DocSpan, other: DocSpan) -> bool:
    """Whether one mention is who reports and the other is in what is reported: "…, Bloomberg reported" makes Bloomberg no party to it."""
    verb = source.root.head
    if source.root.dep_ != "nsubj" or verb.lemma_ not in _REPORTING:
        return False
    above = [other.root, *other.root.ancestors]
    return any(token.dep_ == "ccomp" and token.head == verb for token in above)


def _belongs_elsewhere(name: DocSpan, other: DocSpan) -> bool:
    """Whether a name only says which other name comes next, and this is not that: "Adobe rival Canva bought Figma" is no act of Adobe."""
    doc, role = name.doc, name.end
    next_name = role + 1
    if next_name >= len(doc) or doc[role].lower_ not in _RELATING or doc[next_name].pos_ != "PROPN":
        return False
    return not other.start <= next_name < other.end


def likeliest(candidates: list[Candidate], mentions: list[DocSpan]) -> list[Candidate]:
    """Of an article's claims that hardly go together (`_SOLE`) the most confident, and those that are coordinated or as good as it."""
    best: dict[tuple[str, int] | None, Candidate] = {}
    for candidate in candidates:
        one = _sole(candidate, mentions)
        if one is not None and (one not in best or candidate.confidence > best[one].confidence):
            best[one] = candidate
    return [candidate for candidate in candidates if _stays(candidate, best.get(_sole(candidate, mentions)), mentions)]


def _stays(candidate: Candidate, best: Candidate | None, mentions: list[DocSpan]) -> bool:
    return best is None or candidate.confidence >= SHARE * best.confidence or _goes_with(candidate, best, mentions)


def _sole(candidate: Candidate, mentions: list[DocSpan]) -> tuple[str, int] | None:
    side = _SOLE.get(candidate.relation)
    return (candidate.relation, mentions[getattr(candidate, side)].kb_id) if side else None


def _goes_with(candidate: Candidate, best: Candidate, mentions: list[DocSpan]) -> bool:
    """Whether both claim the same, or their other arguments are coordinated: "A and B built C"."""
    other = "subject" if _SOLE[candidate.relation] == "object" else "object"
    one, two = mentions[getattr(candidate, other)], mentions[getattr(best, other)]
    return one.kb_id == two.kb_id or one.root in two.root.conjuncts


def distinct(candidates: Iterable[Candidate], mentions: list[DocSpan], relations: dict[str, Relation]) -> list[Candidate]:
    """One candidate for each (subject entity, relation, object entity) of a sentence, the most confident one; in text order."""
    best: dict[tuple[object, ...], Candidate] = {}
    for candidate in candidates:
        subject, object_ = mentions[candidate.subject], mentions[candidate.object]
        if is_crossed(subject, object_):
            continue
        pair = [subject.kb_id, object_.kb_id]
        identity = (subject.sent.start, candidate.relation, *(sorted(pair) if relations[candidate.relation].symmetric else pair))
        if identity not in best or candidate.confidence > best[identity].confidence:
            best[identity] = candidate
    kept = (one for identity, one in best.items() if not any(_is_weaker(one, best.get(rival)) for rival in _rivals(*identity)))
    return sorted(kept, key=lambda c: (c.subject, c.object, c.relation))


def _rivals(sentence: object, relation: object, subject: object, object_: object) -> Iterator[tuple[object, ...]]:
    """The readings of which a sentence means one: a relation and its reverse, a buyer and an owner, a leader and an employee."""
    yield (sentence, relation, object_, subject)
    if relation == "ownedBy":
        yield (sentence, "acquires", object_, subject)
    elif relation in _ROLES:
        yield from ((sentence, role, subject, object_) for role in _ROLES if role != relation)


def _is_weaker(candidate: Candidate, rival: Candidate | None) -> bool:
    return rival is not None and rival is not candidate and rival.confidence > candidate.confidence


def put(doc: Doc, mentions: list[DocSpan], candidates: list[Candidate]) -> None:
    """Leaves the candidates on the Doc as claims, with their triggers."""
    doc._.claims = tuple(claim(doc, mentions, candidate) for candidate in candidates)
    doc._.claim_triggers = {key(c): candidate.trigger for c, candidate in zip(doc._.claims, candidates, strict=True)}


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
    text = text_of(sentence.doc)[sentence.start_char : sentence.end_char]
    start = sentence.start_char + len(text) - len(text.lstrip())
    return Span(text.strip(), start, start + len(text.strip()))


def _span(span: DocSpan) -> Span:
    return Span(span.text, span.start_char, span.end_char)
