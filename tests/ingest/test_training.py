"""Training data as examples, and training itself on a handful of articles."""

import json
from pathlib import Path

import numpy as np
import pytest

from ingest import pipeline
from ingest.components.claims import scanner
from ingest.errors import ArticleError
from ingest.model import Article
from ingest.scoring import read_gold
from ingest.train.checks import Checks, check
from ingest.train.corpora import core
from ingest.train.examples import IGNORED, STATED, Labeller
from ingest.train.fit import FORESTS, boosted, fit_trees
from ingest.train.passages import own_passages, parse
from ingest.train.training import train
from kg.errors import DataError
from kg.ontology import schema
from kg.train import find, write_scores

SCHEMA = schema("http://localhost:8000/")


@pytest.fixture(scope="module")
def labeller() -> Labeller:
    return Labeller(pipeline.load(SCHEMA).nlp, scanner(SCHEMA), SCHEMA.symmetric)


def stated(example) -> set[tuple[str, str, str]]:
    """What an example's labels state, in the words of its text."""
    scan, names = example.scan, list(SCHEMA.relations)
    pairs = scan.encoded.pairs
    return {
        (scan.mentions[pairs.subject[row]].text, names[column], scan.mentions[pairs.object[row]].text)
        for row, column in zip(*np.nonzero(example.labels == STATED), strict=True)
    }


def test_every_own_passage_is_read_and_every_relation_has_examples():
    passages = list(own_passages(SCHEMA.relations))
    named = [relation for passage in passages for _, relation, _ in passage.stated]
    assert set(named) == set(SCHEMA.relations)
    assert min(named.count(relation) for relation in SCHEMA.relations) >= 50


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("[Norvex/C] bought [Tallow/C] | 1 buys 2", "no `NUMBER relation NUMBER`"),
        ("[Norvex/C] bought [Tallow/C] | 1 acquires 3", "numbers"),
        ("[Norvex/C] bought [Tallow/C]", "needs"),
        ("[Norvex/Q] bought [Tallow/C] | -", "unknown type 'Q'"),
    ],
)
def test_a_passage_that_cannot_be_read_is_named(line: str, reason: str):
    with pytest.raises(ArticleError, match=reason) as caught:
        parse(line, source="business.txt:7", relations=SCHEMA.relations)
    assert caught.value.source == "business.txt:7"


def test_a_directory_that_cannot_be_searched_is_named():
    directory = Path("a/" * 2048)  # longer than the system takes (PATH_MAX, 4096): permissions do not keep root out
    with pytest.raises(DataError, match=r"cannot look into a/a/.*: File name too long"):
        find([directory])


def test_a_passage_states_what_it_lists_and_nothing_else(labeller: Labeller):
    line = (
        "[Norvex/C] bought [Tallow/C], and [its=1/C] founder [Jane Orwell/P] praised [Brindle/C]. | 1 acquires 2; 4 founded 3; 4 supports 5"
    )
    example = labeller.own(parse(line, source="x", relations=SCHEMA.relations))
    expected = {("Norvex", "acquires", "Tallow"), ("Jane Orwell", "founded", "its"), ("Jane Orwell", "supports", "Brindle")}
    assert stated(example) == expected


def test_the_same_pair_elsewhere_is_no_counterexample(labeller: Labeller):
    line = "[Norvex/C] bought [Tallow/C], as [Norvex/C] said, and [it=1/C] likes [Tallow/C]. | 1 acquires 2"
    example = labeller.own(parse(line, source="x", relations=SCHEMA.relations))
    column = list(SCHEMA.relations).index("acquires")
    assert (example.labels[:, column] == IGNORED).sum() >= 1


def test_core_judges_one_pair_of_a_passage(labeller: Labeller, tmp_path: Path):
    row = {
        "id": 1, "context": ["Norvex", "bought", "Tallow", "and", "met", "Brindle", "."], "e1_start": 2, "e1_end": 2,
        "e2_start": 0, "e2_end": 0, "relation": "acquired_by", "invert_relation": 0,
    }  # fmt: skip
    (tmp_path / "train.json").write_text(json.dumps([row]))
    example = labeller.corpus(next(core(tmp_path)))
    assert stated(example) == {("Norvex", "acquires", "Tallow")}
    judged = (example.labels != IGNORED).any(axis=1)
    assert judged.sum() == 2  # the pair in both directions


def test_trees_as_arrays_judge_as_the_model_that_they_come_from():
    draw = np.random.default_rng(0)
    rows = np.round(draw.normal(size=(4000, 9)), 1)  # rounded, so that values meet the thresholds between them
    labels = ((rows[:, 0] + rows[:, 1] * rows[:, 2] + draw.normal(size=4000)) > 1).astype(np.int8)
    labels[::7] = IGNORED
    trees = fit_trees(rows, labels)
    logits = np.mean([boosted(rows, labels, seed).decision_function(rows) for seed in range(FORESTS)], axis=0)
    assert np.allclose(trees.probabilities(rows), 1 / (1 + np.exp(-logits)), atol=1e-12)
    assert np.ptp(trees.probabilities(rows)) > 0.5
    assert trees.probabilities(rows[:0]).shape == (0,)


def test_rows_of_the_second_stage_count_by_their_weight():
    rows, labels = np.zeros((400, 2)), np.repeat(np.array([1, 0], dtype=np.int8), 200)
    chances = [fit_trees(rows, labels, np.repeat([1.0, other], 200)).probabilities(rows[:1])[0] for other in (1.0, 0.25)]
    assert chances == pytest.approx([0.5, 0.8], abs=0.01)


def test_denials_told_as_facts_and_claims_of_quiet_sentences_are_counted():
    extractor = pipeline.load(SCHEMA)
    text = "Microsoft acquired Mistral AI. Nvidia and Apple lost ground on Monday. OpenAI acquired Anthropic."
    rows = [
        {"subject": "Microsoft", "relation": "acquires", "object": "Mistral AI", "evidence": "Microsoft acquired Mistral AI."},
        {"subject": "OpenAI", "relation": "acquires", "object": "Anthropic", "evidence": "OpenAI acquired Anthropic."},
    ]
    doc = extractor.doc(Article("a", text))
    told = read_gold(map(json.dumps, rows), source="gold", relations=SCHEMA.relations)
    assert check(doc, told, SCHEMA.symmetric) == Checks(denied=0, denied_as_facts=0, quiet=1, quiet_with_claim=0)
    denied = read_gold([json.dumps(rows[0] | {"polarity": "negated"})], source="gold", relations=SCHEMA.relations)
    assert check(doc, denied, SCHEMA.symmetric) == Checks(denied=1, denied_as_facts=1, quiet=2, quiet_with_claim=1)


@pytest.mark.slow
def test_training_twice_gives_the_same_weights_and_a_score(tmp_path: Path):
    extractor = pipeline.load(SCHEMA)
    texts = [
        f"{a} acquired {b}. {b} is based in Paris." for a, b in (("Microsoft", "Mistral AI"), ("Nvidia", "OpenAI"), ("Apple", "Anthropic"))
    ]
    annotated = []
    for number, text in enumerate(texts * 2):
        buyer, bought = text.split(" acquired ")[0], text.split(" acquired ")[1].split(".")[0]
        rows = [
            {"subject": buyer, "subject_type": "Company", "relation": "acquires", "object": bought, "object_type": "Company"},
            {"subject": bought, "subject_type": "Company", "relation": "basedIn", "object": "Paris", "object_type": "Place"},
        ]
        sentences = [text.split(". ")[0] + ".", text.split(". ")[1]]
        lines = [json.dumps(row | {"evidence": sentence}) for row, sentence in zip(rows, sentences, strict=True)]
        annotated.append((Article(f"a{number}", text), read_gold(lines, source="gold", relations=SCHEMA.relations)))
    own = list(own_passages(SCHEMA.relations))[::110]
    said: list[str] = []
    one, two = (train(extractor, SCHEMA, annotated, own, [], report=said.append) for _ in range(2))
    assert np.array_equal(one.weights.linear.weights, two.weights.linear.weights)
    assert np.array_equal(one.weights.trees.value, two.weights.trees.value)
    assert one.kinds == two.kinds
    assert one.score.counts == two.score.counts
    assert one.score.counts.right > 0
    assert any("fold" in text for text in said)
    write_scores(one, tmp_path / "scores.json")
    scores = json.loads((tmp_path / "scores.json").read_text(encoding="utf-8"))
    assert sum(article["right"] for article in scores["by_article"].values()) == one.score.counts.right
    assert len([error for error in scores["errors"] if error["kind"] == "wrong"]) == one.score.counts.wrong
