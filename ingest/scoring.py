"""Scoring by the annotation guideline: which of an article's claims are right, wrong and missed.

A claim is right when relation, polarity and both entities match a gold row. An entity matches a gold name when, case-folded and without a
leading "the", the name equals its label, an alternative label or one of its surface forms in the article. Symmetric relations match
either way round. Each distinct (subject, relation, object, polarity) counts once an article; optional rows count neither way.
"""

import json
import random
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ingest.errors import ArticleError
from ingest.model import Claim, Extraction, Modality, Polarity

_TEXTS = ("subject", "relation", "object", "attribution", "evidence", "subject_type", "object_type", "subject_text", "object_text")


@dataclass(frozen=True, slots=True)
class GoldClaim:
    """One row of a gold file. `subject_text` and `object_text` are how the evidence names the arguments, where the row says so."""

    subject: str
    relation: str
    object: str
    polarity: Polarity = Polarity.AFFIRMED
    modality: Modality = Modality.ACTUAL
    attribution: str = ""
    evidence: str = ""
    optional: bool = False
    subject_type: str = ""
    object_type: str = ""
    subject_text: str = ""
    object_text: str = ""


@dataclass(frozen=True, slots=True)
class Match:
    """A claim that is right, and the gold rows that it equals."""

    claim: Claim
    gold: tuple[GoldClaim, ...]
    modality_right: bool
    attribution_right: bool


@dataclass(frozen=True, slots=True)
class ArticleScore:
    """One article's claims against its gold rows; `optional` are claims that equal only optional rows."""

    article: str
    right: tuple[Match, ...]
    wrong: tuple[Claim, ...]
    missed: tuple[GoldClaim, ...]
    optional: tuple[Claim, ...] = ()


@dataclass(frozen=True, slots=True)
class Counts:
    """Claims right and wrong, gold rows found and missed. Without any claim the precision is 0."""

    right: int = 0
    wrong: int = 0
    found: int = 0
    missed: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(self.right + other.right, self.wrong + other.wrong, self.found + other.found, self.missed + other.missed)

    @property
    def precision(self) -> float:
        return _ratio(self.right, self.right + self.wrong)

    @property
    def recall(self) -> float:
        return _ratio(self.found, self.found + self.missed)

    @property
    def f1(self) -> float:
        return _ratio(2 * self.precision * self.recall, self.precision + self.recall)


@dataclass(frozen=True, slots=True)
class Score:
    """All articles together. Accuracies are shares of the claims that are right; `interval` bounds the F1 in 95 % of bootstrap samples."""

    counts: Counts
    relations: Mapping[str, Counts]
    modality_accuracy: float
    attribution_accuracy: float
    interval: tuple[float, float]
    articles: tuple[ArticleScore, ...] = field(repr=False)


def read_gold(lines: Iterable[str], *, source: str, relations: Collection[str]) -> list[GoldClaim]:
    """The rows of a gold file. Raises ArticleError, naming `source` and line, for a row that is not by the guideline."""
    return [_gold(line, f"{source}:{number}", relations) for number, line in enumerate(lines, 1) if line.strip()]


def _gold(line: str, source: str, relations: Collection[str]) -> GoldClaim:
    try:
        row = json.loads(line)
        gold = GoldClaim(
            **{name: str(row.get(name) or "") for name in _TEXTS},
            polarity=Polarity(row.get("polarity", "affirmed")),
            modality=Modality(row.get("modality", "actual")),
            optional=bool(row.get("optional")),
        )
    except (ValueError, TypeError, AttributeError) as error:
        raise ArticleError(source, f"not a gold row: {error}; one JSON object a line, as the annotation guideline describes") from error
    if gold.relation not in relations:
        raise ArticleError(source, f"unknown relation {gold.relation!r}; known are {', '.join(sorted(relations))}")
    if not gold.subject or not gold.object:
        raise ArticleError(source, "a gold row needs a subject and an object")
    return gold


def normal(name: str) -> str:
    """A name as it is compared: case-folded, without a leading "the", white space single."""
    folded = " ".join(name.casefold().split())
    return folded.removeprefix("the ")


def entity_names(extraction: Extraction) -> dict[str, frozenset[str]]:
    """By entity id, every name the entity may be called in this article, normalised."""
    names = {entity.id: {entity.label, *entity.alt_labels} for entity in extraction.entities}
    for mention in extraction.mentions:
        names.setdefault(mention.entity, set()).add(mention.span.text)
    return {entity: frozenset(normal(name) for name in found) for entity, found in names.items()}


def score_article(extraction: Extraction, gold: Sequence[GoldClaim], *, symmetric: Collection[str]) -> ArticleScore:
    """Compares one article's claims with its gold rows; `symmetric` names the relations that hold both ways."""
    names = entity_names(extraction)
    right, wrong, optional = [], [], []
    found: set[tuple[str, ...]] = set()
    for claim in _distinct_claims(extraction.claims, symmetric):
        matched = tuple(row for row in gold if same(claim, row, names, symmetric))
        firm = [row for row in matched if not row.optional]
        found.update(_identity(row, symmetric) for row in firm)
        if firm:
            right.append(_match(claim, matched, names))
        elif matched:
            optional.append(claim)
        else:
            wrong.append(claim)
    missed = [row for row in _distinct_gold(gold, symmetric) if _identity(row, symmetric) not in found]
    return ArticleScore(extraction.article.id, tuple(right), tuple(wrong), tuple(missed), tuple(optional))


def same(claim: Claim, row: GoldClaim, names: Mapping[str, frozenset[str]], symmetric: Collection[str]) -> bool:
    """Whether claim and gold row agree on relation, polarity and both entities."""
    if claim.relation != row.relation or claim.polarity != row.polarity:
        return False
    subject, object_ = normal(row.subject), normal(row.object)
    subjects, objects = names.get(claim.subject, frozenset()), names.get(claim.object, frozenset())
    straight = subject in subjects and object_ in objects
    return straight or (claim.relation in symmetric and subject in objects and object_ in subjects)


def _match(claim: Claim, rows: tuple[GoldClaim, ...], names: Mapping[str, frozenset[str]]) -> Match:
    voices = {normal(row.attribution) for row in rows}
    heard = names.get(claim.attribution, frozenset()) if claim.attribution else {""}
    return Match(claim, rows, claim.modality in {row.modality for row in rows}, bool(voices & heard))


def _distinct_claims(claims: Iterable[Claim], symmetric: Collection[str]) -> Iterator[Claim]:
    """The most confident claim of each identity, in the order of the first."""
    best: dict[tuple[str, ...], Claim] = {}
    for claim in claims:
        identity = (*_pair(claim.subject, claim.object, claim.relation in symmetric), claim.relation, claim.polarity)
        if identity not in best or claim.confidence > best[identity].confidence:
            best[identity] = claim
    yield from best.values()


def _distinct_gold(gold: Iterable[GoldClaim], symmetric: Collection[str]) -> Iterator[GoldClaim]:
    yield from {_identity(row, symmetric): row for row in gold if not row.optional}.values()


def _identity(row: GoldClaim, symmetric: Collection[str]) -> tuple[str, ...]:
    return (*_pair(normal(row.subject), normal(row.object), row.relation in symmetric), row.relation, row.polarity)


def _pair(subject: str, object_: str, symmetric: bool) -> tuple[str, str]:
    return (object_, subject) if symmetric and object_ < subject else (subject, object_)


def total(scores: Sequence[ArticleScore], *, samples: int = 1000, seed: int = 0) -> Score:
    """All articles together; the interval comes from `samples` bootstrap samples of articles, the same for the same seed."""
    matches = [match for score in scores for match in score.right]
    return Score(
        counts=sum(map(counts, scores), Counts()),
        relations=by_relation(scores),
        modality_accuracy=_ratio(sum(match.modality_right for match in matches), len(matches)),
        attribution_accuracy=_ratio(sum(match.attribution_right for match in matches), len(matches)),
        interval=_bootstrap([counts(score) for score in scores], samples, seed),
        articles=tuple(scores),
    )


def counts(score: ArticleScore) -> Counts:
    """The article's counts; a gold row found by two claims is found once."""
    found = {
        (normal(row.subject), row.relation, normal(row.object), row.polarity) for m in score.right for row in m.gold if not row.optional
    }
    return Counts(len(score.right), len(score.wrong), len(found), len(score.missed))


def by_relation(scores: Sequence[ArticleScore]) -> dict[str, Counts]:
    """Counts of each relation that occurs in claims or gold, by name."""
    found: dict[str, Counts] = {}
    for score in scores:
        relations = {claim.relation for claim in (*score.wrong, *(m.claim for m in score.right))} | {row.relation for row in score.missed}
        for relation in sorted(relations):
            found[relation] = found.get(relation, Counts()) + counts(_only(score, relation))
    return dict(sorted(found.items()))


def _only(score: ArticleScore, relation: str) -> ArticleScore:
    return ArticleScore(
        score.article,
        tuple(match for match in score.right if match.claim.relation == relation),
        tuple(claim for claim in score.wrong if claim.relation == relation),
        tuple(row for row in score.missed if row.relation == relation),
    )


def _bootstrap(counted: Sequence[Counts], samples: int, seed: int) -> tuple[float, float]:
    if not counted:
        return (0.0, 0.0)
    draw = random.Random(seed)  # noqa: S311  no secret
    scores = sorted(sum(draw.choices(counted, k=len(counted)), Counts()).f1 for _ in range(samples))
    return (scores[int(0.025 * samples)], scores[min(int(0.975 * samples), samples - 1)])


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
