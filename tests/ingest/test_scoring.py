"""Scoring by the guideline."""

import json

import pytest

from ingest.errors import ArticleError
from ingest.model import Article, Claim, Entity, EntityType, Extraction, Modality, Polarity, Span
from ingest.scoring import Counts, GoldClaim, read_gold, score_article, total

SYMMETRIC = frozenset({"partnersWith"})


def claim(subject: str, relation: str, object_: str, **changes) -> Claim:
    span = Span("x", 0, 1)
    given = {"polarity": Polarity.AFFIRMED, "modality": Modality.ACTUAL, "attribution": "", "confidence": 0.9} | changes
    return Claim(subject, relation, object_, evidence=span, subject_mention=span, object_mention=span, **given)


def extraction(*claims: Claim) -> Extraction:
    entities = (
        Entity("Acme_Corp", "Acme Corp", EntityType.COMPANY, ("Acme",), known=True),
        Entity("Globex", "Globex", EntityType.COMPANY),
        Entity("The_Paper", "The Paper", EntityType.COMPANY),
    )
    return Extraction(Article("a", "text"), entities, (), claims)


def score(gold: list[GoldClaim], *claims: Claim):
    return score_article(extraction(*claims), gold, symmetric=SYMMETRIC)


def test_an_alternative_label_matches_whatever_its_case():
    assert len(score([GoldClaim("ACME", "acquires", "globex")], claim("Acme_Corp", "acquires", "Globex")).right) == 1


def test_a_leading_article_does_not_count():
    assert len(score([GoldClaim("Paper", "sues", "the Globex")], claim("The_Paper", "sues", "Globex")).right) == 1


def test_another_polarity_is_wrong_and_missed():
    found = score([GoldClaim("Acme", "acquires", "Globex", Polarity.NEGATED)], claim("Acme_Corp", "acquires", "Globex"))
    assert (len(found.right), len(found.wrong), len(found.missed)) == (0, 1, 1)


def test_a_symmetric_relation_matches_either_way_round():
    assert score([GoldClaim("Globex", "partnersWith", "Acme")], claim("Acme_Corp", "partnersWith", "Globex")).right
    assert not score([GoldClaim("Globex", "acquires", "Acme")], claim("Acme_Corp", "acquires", "Globex")).right


def test_the_same_claim_in_two_sentences_counts_once():
    found = score([], claim("Acme_Corp", "acquires", "Globex"), claim("Acme_Corp", "acquires", "Globex", confidence=0.5))
    assert [wrong.confidence for wrong in found.wrong] == [0.9]


def test_optional_rows_count_neither_way():
    rows = [GoldClaim("Acme", "acquires", "Globex", optional=True), GoldClaim("Globex", "sues", "Acme", optional=True)]
    found = score(rows, claim("Acme_Corp", "acquires", "Globex"))
    assert (found.right, found.wrong, found.missed, len(found.optional)) == ((), (), (), 1)


def test_modality_and_attribution_are_judged_on_right_claims():
    row = GoldClaim("Acme", "acquires", "Globex", modality=Modality.PLANNED, attribution="The Paper")
    found = score([row], claim("Acme_Corp", "acquires", "Globex", attribution="The_Paper"))
    assert (found.right[0].modality_right, found.right[0].attribution_right) == (False, True)


def test_totals_are_micro_averages_with_a_table_by_relation():
    gold = [GoldClaim("Acme", "acquires", "Globex"), GoldClaim("Acme", "sues", "Globex")]
    whole = total([score(gold, claim("Acme_Corp", "acquires", "Globex"), claim("Globex", "acquires", "The_Paper"))])
    assert whole.counts == Counts(right=1, wrong=1, found=1, missed=1)
    assert whole.counts.f1 == pytest.approx(0.5)
    assert whole.relations == {"acquires": Counts(1, 1, 1, 0), "sues": Counts(0, 0, 0, 1)}
    assert whole.interval == (whole.counts.f1, whole.counts.f1)


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ({"subject": "A", "relation": "buys", "object": "B"}, "unknown relation 'buys'"),
        ({"subject": "A", "relation": "acquires", "object": "B", "modality": "maybe"}, "not a gold row"),
        ({"subject": "A", "relation": "acquires", "object": ""}, "needs a subject and an object"),
    ],
)
def test_a_bad_gold_row_is_named_by_file_and_line(row, problem):
    with pytest.raises(ArticleError, match=rf"gold/x.jsonl:2: .*{problem}"):
        read_gold(["", json.dumps(row)], source="gold/x.jsonl", relations={"acquires"})


def test_a_line_that_is_no_json_is_named():
    with pytest.raises(ArticleError, match="x:1: not a gold row"):
        read_gold(["{"], source="x", relations=())
