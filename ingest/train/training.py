"""Training everything that is learned, with cross-validation over whole articles.

Every figure comes from articles that took no part in what judged them: the kinds of new names, both stages of the scorer and the thresholds
are fitted without the fold they are measured on. The shipped weights are then fitted on all articles.
"""

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from spacy.tokens import Doc

from ingest.components.claims import decode, distinct, fits, put, rules, scanner
from ingest.components.kinds import KindModel
from ingest.components.spelling import Spelling
from ingest.evidence import Floats, Rows
from ingest.layout import Ints
from ingest.model import Article, Schema
from ingest.pipeline import Extractor, extraction
from ingest.scorer import ABSENT, Linear, Scores, Weights, evidence_rows, inputs
from ingest.scoring import ArticleScore, GoldClaim, Score, entity_names, score_article, total
from ingest.train import kinds, spelling
from ingest.train.checks import Checks, check
from ingest.train.corpora import Passage
from ingest.train.examples import STATED, Example, Labeller, Labels
from ingest.train.fit import Weighted, base_rates, fit_linear, fit_trees
from ingest.train.passages import OwnPassage
from ingest.trees import Trees

FOLDS = 5
CORPUS_WEIGHT = 0.1  # of a pair of KnowledgeNet or CORE
OWN_WEIGHT = 1.0
OWN_ROW_WEIGHT = 0.5  # of a row of the second stage: passages have eight times the rows of articles, but articles are what will be read
LATE_STEPS = ("aikg_claims", "aikg_qualifiers", "aikg_attribution")
GRID = np.arange(0.15, 0.7, 0.01)
LIKELY_ENOUGH = 0.55  # lower thresholds give more F1 (.01 to .02), and many more claims from mere co-occurrence

type Annotated = tuple[Article, Sequence[GoldClaim]]
type Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Trained:
    """What `train` gives: weights, models of kinds and spelling, cross-validated score and checks, and by tenth of confidence its mean, the
    share right and the number of claims."""

    weights: Weights
    kinds: KindModel
    spelling: Spelling
    score: Score
    checks: Checks
    calibration: tuple[tuple[float, float, int], ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Held:
    """An annotated article as the model of its fold sees it, and as it is learned from."""

    doc: Doc
    gold: Sequence[GoldClaim]
    seen: Example
    learned: Example


@dataclass(frozen=True, slots=True, eq=False)
class _Judged:
    """The second stage's rows of one article with their inputs and labels."""

    rows: Rows
    inputs: Floats
    labels: Labels


def train(
    extractor: Extractor,
    schema: Schema,
    annotated: Sequence[Annotated],
    own: Sequence[OwnPassage],
    corpora: Sequence[Passage],
    *,
    report: Report,
    processes: int = 1,
) -> Trained:
    """Fits and cross-validates; `report` is told what is going on."""
    return _Course(extractor, schema, report, processes).run(annotated, own, corpora)


def folds(count: int) -> Ints:
    """The fold of each of `count` articles: a fixed shuffle."""
    numbers = [number % FOLDS for number in range(count)]
    random.Random(0).shuffle(numbers)  # noqa: S311  no secret
    return np.array(numbers)


class _Course:
    def __init__(self, extractor: Extractor, schema: Schema, report: Report, processes: int) -> None:
        self._nlp = extractor.nlp
        self._known = {entity.id for entity in schema.known_entities}
        self._spelling, self._spelled = spelling.fit(schema.known_entities, processes=processes)
        self._relations = schema.relations
        self._names = tuple(schema.relations)
        self._symmetric = schema.symmetric
        self._scanner = scanner(schema)
        self._label = Labeller(self._nlp, self._scanner, self._symmetric)
        self._report = report
        self._processes = processes

    def run(self, annotated: Sequence[Annotated], own: Sequence[OwnPassage], corpora: Sequence[Passage]) -> Trained:
        fold = folds(len(annotated))
        with self._nlp.select_pipes(disable=list(LATE_STEPS)):
            self._report(f"reading {len(annotated)} articles, {len(own)} own passages and {len(corpora)} passages of corpora")
            passages = [self._label.own(passage) for passage in own]
            named = [example for passage in passages for example in kinds.of_passage(passage.scan.mentions, self._spelled)]
            models, final_kinds = self._kinds(annotated, fold, named)
            held = [self._held(one, models[number]) for one, number in zip(annotated, fold.tolist(), strict=True)]
            beside = [Weighted(self._label.corpus(p), CORPUS_WEIGHT) for p in corpora]
        base = base_rates([one.learned for one in held])
        judged, judged_own = self._first_stage(held, fold, passages, beside, base)
        probabilities = self._second_stage(judged, fold, judged_own)
        score, checks = self._measure(held, judged, probabilities, fold)
        self._report("fitting on all articles")
        learned = [Weighted(one.learned) for one in held] + [Weighted(one, OWN_WEIGHT) for one in passages]
        linear = fit_linear(learned + beside, processes=self._processes)
        trees = self._grown(judged, judged_own)
        threshold = self._thresholds(judged, probabilities)
        return Trained(
            Weights(self._names, linear, trees, base, threshold), final_kinds, self._spelling, score, checks, calibration(score.articles)
        )

    def _kinds(self, annotated: Sequence[Annotated], fold: Ints, named: list[kinds.NameExample]) -> tuple[list[KindModel], KindModel]:
        """A model of kinds for each fold, fitted on the others, and one fitted on all."""
        by_article = [list(self._name_examples(*one)) for one in annotated]
        models = []
        for number in (*range(FOLDS), -1):
            chosen = [example for examples, own in zip(by_article, fold.tolist(), strict=True) if own != number for example in examples]
            models.append(kinds.fit(chosen + named))
        return models[:-1], models[-1]

    def _name_examples(self, article: Article, gold: Sequence[GoldClaim]) -> Iterable[kinds.NameExample]:
        doc = self._doc(article)
        return kinds.of_article(doc, entity_names(extraction(doc)), gold, self._known, self._spelled)

    def _doc(self, article: Article) -> Doc:
        doc = self._nlp.make_doc(article.text)
        doc._.article, doc._.blocks = article, article.blocks
        return self._nlp(doc)

    def _held(self, one: Annotated, model: KindModel) -> _Held:
        article, gold = one
        self._nlp.get_pipe("aikg_linking").use_kinds(model, self._spelling)  # type: ignore[attr-defined]
        doc = self._doc(article)
        names = entity_names(extraction(doc))
        seen, learned = (self._label.article(doc, names, gold, complete=complete) for complete in (False, True))
        return _Held(doc, gold, seen, learned)

    def _first_stage(
        self, held: list[_Held], fold: Ints, passages: list[Example], beside: list[Weighted], base: Floats
    ) -> tuple[list[_Judged], list[_Judged]]:
        """The articles, and the own passages, each judged by a first stage that learned nothing from it."""
        own_fold = folds(len(passages))
        judged: dict[int, _Judged] = {}
        judged_own: dict[int, _Judged] = {}
        for number in range(FOLDS):
            self._report(f"first stage, fold {number + 1} of {FOLDS}")
            others = [Weighted(held[i].learned) for i in np.flatnonzero(fold != number)]
            others += [Weighted(passages[i], OWN_WEIGHT) for i in np.flatnonzero(own_fold != number)]
            linear = fit_linear(others + beside, processes=self._processes)
            judged |= {int(i): self._judged(held[i].seen, linear, base) for i in np.flatnonzero(fold == number)}
            judged_own |= {int(i): self._judged(passages[i], linear, base) for i in np.flatnonzero(own_fold == number)}
        return [judged[i] for i in range(len(held))], [judged_own[i] for i in range(len(passages))]

    def _judged(self, seen: Example, linear: Linear, base: Floats) -> _Judged:
        scan = seen.scan
        logits = np.where(scan.allowed, linear.logits(scan.encoded), ABSENT)
        rows = evidence_rows(scan, logits, scan.allowed, self._names, base)
        return _Judged(rows, inputs(rows, len(self._names)), seen.labels[rows.pair, rows.relation])

    def _second_stage(self, judged: list[_Judged], fold: Ints, judged_own: list[_Judged]) -> list[Floats]:
        found: dict[int, Floats] = {}
        for number in range(FOLDS):
            self._report(f"second stage, fold {number + 1} of {FOLDS}")
            trees = self._grown([judged[i] for i in np.flatnonzero(fold != number)], judged_own)
            found |= {int(i): trees.probabilities(judged[i].inputs) for i in np.flatnonzero(fold == number)}
        return [found[i] for i in range(len(judged))]

    def _grown(self, judged: Sequence[_Judged], judged_own: Sequence[_Judged]) -> Trees:
        """The second stage, on rows of articles and, with less weight, of own passages."""
        every = [*judged, *judged_own]
        weight = np.repeat([1.0, OWN_ROW_WEIGHT], [sum(len(one.labels) for one in some) for some in (judged, judged_own)])
        rows, labels = np.vstack([one.inputs for one in every]), np.concatenate([one.labels for one in every])
        return fit_trees(rows, labels, weight, processes=self._processes)

    def _thresholds(self, judged: Sequence[_Judged], probabilities: Sequence[Floats]) -> Floats:
        """By relation the probability with the best F1 over pairs, drawn halfway to the best one for all relations together, and such that
        what is claimed is likely enough."""
        relation = np.concatenate([one.rows.relation for one in judged])
        stated = np.concatenate([one.labels for one in judged])
        probability = np.concatenate(probabilities)
        overall = _best(probability, stated)
        own = [_best(probability[relation == r], stated[relation == r], overall) for r in range(len(self._names))]
        return np.maximum((overall + np.array(own)) / 2, LIKELY_ENOUGH)

    def _measure(self, held: list[_Held], judged: list[_Judged], probabilities: list[Floats], fold: Ints) -> tuple[Score, Checks]:
        scores: dict[int, ArticleScore] = {}
        checks = Checks()
        for number in range(FOLDS):
            others = np.flatnonzero(fold != number)
            threshold = self._thresholds([judged[i] for i in others], [probabilities[i] for i in others])
            for i in np.flatnonzero(fold == number):
                scores[int(i)] = self._score(held[i], judged[i], probabilities[i], threshold)
                checks += check(held[i].doc, held[i].gold, self._symmetric)
        return total([scores[i] for i in range(len(held))]), checks

    def _score(self, one: _Held, judged: _Judged, probability: Floats, threshold: Floats) -> ArticleScore:
        scan = one.seen.scan
        candidates = [rule for rule in rules(scan.hits) if fits(rule, scan.mentions, self._relations)]
        candidates += decode(scan, Scores(judged.rows.pair, judged.rows.relation, probability), self._names, threshold)
        put(one.doc, scan.mentions, distinct(candidates, scan.mentions, self._relations))
        for step in LATE_STEPS[1:]:
            self._nlp.get_pipe(step)(one.doc)
        return score_article(extraction(one.doc), one.gold, symmetric=self._symmetric)


def _best(probability: Floats, labels: Labels, default: float = 0.35) -> float:
    """The threshold of the grid with the best F1; `default` with fewer than ten stated rows."""
    stated = labels == STATED
    if stated.sum() < 10:
        return default
    judged = labels >= 0
    f1 = []
    for threshold in GRID:
        made = (probability >= threshold) & judged
        f1.append(2 * (made & stated).sum() / max(made.sum() + stated.sum(), 1))
    return float(GRID[int(np.argmax(f1))])


def calibration(scores: Sequence[ArticleScore]) -> tuple[tuple[float, float, int], ...]:
    """Claims by tenth of confidence: mean confidence, share that is right, number."""
    judged = [(match.claim.confidence, True) for score in scores for match in score.right]
    judged += [(claim.confidence, False) for score in scores for claim in score.wrong]
    found = []
    for tenth in range(10):
        inside = [(c, right) for c, right in judged if tenth <= min(int(c * 10), 9) < tenth + 1]
        if inside:
            found.append((sum(c for c, _ in inside) / len(inside), sum(right for _, right in inside) / len(inside), len(inside)))
    return tuple(found)
