"""The benchmark on public corpora counts as it says, on passages of our own, and finds its mentions without the corpus's facts."""

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.extraction.corpora.core import RELATIONS as CORE_RELATIONS
from benchmarks.extraction.corpora.core import Core, best_answer, is_tested
from benchmarks.extraction.corpora.core import labelled as labelled_pair
from benchmarks.extraction.corpora.course import scanner
from benchmarks.extraction.corpora.knowledgenet import RELATIONS, labelled
from benchmarks.extraction.corpora.mentions import found, given, parsed
from benchmarks.extraction.corpora.score import Fact, best_threshold, given_pair, micro, official, text_facts
from ingest import pipeline
from ingest.model import EntityType
from ingest.scoring import Counts
from ingest.train.corpora import KnownPair, Passage, core, knowledgenet
from ingest.train.examples import STATED
from ingest.train.training import LATE_STEPS
from kg.ontology import schema

TEXT = "Mara Quill founded Norvex, which she leads."
PERSON, COMPANY = EntityType.PERSON, EntityType.COMPANY


def at(words: str, start: int = 0) -> tuple[int, int]:
    place = TEXT.index(words, start)
    return (place, place + len(words))


def pair(subject: str, relation: str, object_: str) -> KnownPair:
    return KnownPair(at(subject), at(object_), relation, PERSON, COMPANY)


PASSAGE = Passage("made-1", TEXT, (pair("Mara Quill", "founded", "Norvex"), pair("she", "founded", "Norvex")), frozenset({"founded"}))


def test_a_fact_is_right_where_both_spans_overlap_a_gold_fact_of_its_relation():
    facts = [Fact(at("Quill"), "founded", at("Norvex")), Fact(at("Norvex"), "founded", at("Quill"))]
    assert text_facts(PASSAGE, facts) == {"founded": Counts(right=1, wrong=1, found=1, missed=1)}


def test_a_relation_that_nobody_judged_counts_neither_way():
    assert text_facts(PASSAGE, [Fact(at("she"), "leads", at("Norvex"))]) == {"founded": Counts(missed=2)}


def test_a_judged_passage_without_facts_makes_every_answer_wrong():
    empty = Passage("made-2", TEXT, (), frozenset({"leads"}))
    assert text_facts(empty, [Fact(at("she"), "leads", at("Norvex"))]) == {"leads": Counts(wrong=1)}


def test_the_corpus_s_own_count_forgives_a_wrong_fact_that_overlaps_a_right_one():
    twice = [Fact(at("Mara Quill"), "founded", at("Norvex")), Fact(at("Mara"), "founded", at("Norvex, which"))]
    beside = Fact(at("Mara Quill founded"), "founded", at("which"))
    assert official(PASSAGE, [*twice, beside]) == Counts(right=1, found=1, missed=1)
    assert text_facts(PASSAGE, [*twice, beside])["founded"] == Counts(right=2, wrong=1, found=1, missed=1)


@pytest.mark.parametrize(
    ("answer", "counts"),
    [
        (Fact(at("Mara Quill"), "acquires", at("Norvex")), Counts(right=1, found=1)),
        (Fact(at("Norvex"), "acquires", at("Mara Quill")), Counts(wrong=1, missed=1)),
        (Fact(at("Mara Quill"), "ownedBy", at("Norvex")), Counts(wrong=1, missed=1)),
        (None, Counts(missed=1)),
    ],
)
def test_a_given_pair_needs_relation_and_direction(answer: Fact | None, counts: Counts):
    assert micro(given_pair(pair("Mara Quill", "acquires", "Norvex"), answer, frozenset({"partnersWith"}))) == counts


def test_a_symmetric_relation_is_right_either_way_round():
    turned = Fact(at("Norvex"), "partnersWith", at("Mara Quill"))
    gold = pair("Mara Quill", "partnersWith", "Norvex")
    assert given_pair(gold, turned, frozenset({"partnersWith"})) == {"partnersWith": Counts(right=1, found=1)}


def test_saying_none_of_a_pair_without_a_relation_counts_nothing():
    assert given_pair(pair("Mara Quill", "", "Norvex"), None, frozenset()) == {}


def test_the_threshold_is_the_one_with_the_best_f1():
    probability, right = np.array([0.9, 0.8, 0.35, 0.2]), np.array([True, True, False, False])
    assert 0.35 < best_threshold(probability, right, 2) <= 0.8


@pytest.fixture(scope="module")
def nlp():
    nlp = pipeline.load(schema("http://localhost:8000/")).nlp
    with nlp.select_pipes(disable=list(LATE_STEPS)):
        yield nlp


def test_pronouns_are_mentions_and_what_the_corpus_knows_is_not(nlp):
    doc = parsed(nlp, "He runs the company that she set up.")
    assert {"He", "she"} <= {mention.text for mention in found(doc)}
    unnamed = Passage("made-3", doc.text, (KnownPair((0, 2), (8, 19), "founded", PERSON, COMPANY),), frozenset({"founded"}))
    scan = scanner(RELATIONS, frozenset(), but=frozenset(), max_tokens=45)
    spans = {mention.text for mention in labelled(unnamed, doc, scan).scan.mentions}
    assert spans == {mention.text for mention in found(doc)}


def test_a_passage_is_labelled_by_overlap(nlp):
    scan = scanner(RELATIONS, frozenset(), but=frozenset(), max_tokens=45)
    example = labelled(PASSAGE, parsed(nlp, TEXT), scan)
    mentions, pairs = example.scan.mentions, example.scan.encoded.pairs
    rows = np.flatnonzero(example.labels[:, scan.relations["founded"]] == STATED)
    assert ("she", "Norvex") in {(mentions[pairs.subject[row]].text, mentions[pairs.object[row]].text) for row in rows}


def test_the_given_pair_is_judged_and_answered_in_its_direction(nlp):
    text = "Norvex bought Tallow."
    passage = Passage("made-4", text, (KnownPair((14, 20), (0, 6), "acquires", COMPANY, COMPANY),), frozenset())
    doc = parsed(nlp, text, one_sentence=True)
    assert [mention.kb_id_ for mention in given(doc, ((14, 20), (0, 6)))] == ["given 1", "given 2"]
    scan = scanner(CORE_RELATIONS, frozenset({"partnersWith"}), but=frozenset(), max_tokens=1000)
    example = labelled_pair(passage, doc, scan, frozenset({"partnersWith"}))
    probability = np.where(example.labels == STATED, 0.9, 0.1)
    assert best_answer(example, probability) == (0.9, Fact((14, 20), "acquires", (0, 6)))


def test_another_directory_is_the_whole_test_part_and_the_first_the_whole_training(nlp, tmp_path: Path):
    bought, fought = ("{0} has bought {1} .", "acquired_by", 1), ("{0} is a rival of {1} .", "competitor_of", 0)
    names = [f"{first}{last}" for first in ("Nor", "Tal", "Ver", "Cas", "Mil") for last in ("vex", "low", "ion", "tra")]
    for folder, firms in (("seen", names[:16]), ("unseen", names[16:])):
        (tmp_path / folder).mkdir()
        rows = [row(number, *made, *firms[number:][:2]) for made in (bought, fought) for number in range(len(firms) - 1)]
        (tmp_path / folder / "train.json").write_text(json.dumps(rows), encoding="utf-8")
    corpus = Core(nlp, schema("http://localhost:8000/"), tmp_path / "seen", tested=tmp_path / "unseen", processes=1)
    assert len(corpus.tested) == 6 and micro(corpus.cross_validated()).found + micro(corpus.cross_validated()).missed == 30
    answers = [given_pair(passage.pairs[0], corpus.answer(passage), corpus.symmetric) for passage in corpus.tested]
    assert sum((micro(answer) for answer in answers), Counts()) == Counts(right=6, found=6)


def row(number: int, text: str, relation: str, inverted: int, first: str, second: str) -> dict[str, object]:
    """A passage as CORE writes it; the relation reads from the second name to the first where it is inverted."""
    tokens = text.format(first, second).split()
    places = {f"e{which}_{side}": tokens.index(name) for which, name in ((1, first), (2, second)) for side in ("start", "end")}
    return {"id": f"{relation}{number}", "context": tokens, "relation": relation, "invert_relation": inverted} | places


@pytest.mark.shared
def test_no_text_is_on_both_sides(shared_dir: Path):
    data = shared_dir / "data"
    sides = [{passage.text for passage in core(data / "core") if is_tested(passage) is tested} for tested in (True, False)]
    folds = [{passage.text for passage in knowledgenet(data / "knowledgenet", folds=frozenset(f))} for f in ({1, 2}, {3})]
    assert sides[0].isdisjoint(sides[1]) and folds[0].isdisjoint(folds[1])
    rows = json.loads((data / "core" / "train.json").read_text(encoding="utf-8"))
    assert 0.18 < len(sides[0]) / len({" ".join(row["context"]) for row in rows}) < 0.22
