"""What the parser often gets wrong is put right, on the real pipeline."""

from ingest.model import Article
from ingest.pipeline import Extractor


def read(extractor: Extractor, text: str) -> dict[str, tuple[str, str, str]]:
    """By token: lemma, label and head."""
    return {token.text: (token.lemma_, token.dep_, token.head.text) for token in extractor.doc(Article("a", text))}


def test_verbs_that_the_rules_cut_have_their_lemma(extractor: Extractor) -> None:
    found = read(extractor, "The CNIL fined Clearview AI for the photos that it scraped.")
    assert (found["fined"][0], found["scraped"][0]) == ("fine", "scrape")


def test_the_subject_of_a_second_clause_is_no_object_of_the_first(extractor: Extractor) -> None:
    found = read(extractor, "Google sued SerpApi and Reddit sued Perplexity.")
    assert found["Reddit"][1:] == ("nsubj", "sued")
    assert found["SerpApi"][1:] == ("dobj", "sued")


def test_names_in_a_row_before_their_verb_stay_one_subject(extractor: Extractor) -> None:
    found = read(extractor, "Google and Reddit sued Perplexity.")
    assert (found["Google"][1:], found["Reddit"][1:]) == (("nsubj", "sued"), ("conj", "Google"))


def test_what_a_clause_without_its_verb_says_is_left_out(extractor: Extractor) -> None:
    text = "Microsoft has invested in OpenAI and Amazon in Anthropic."
    assert read(extractor, text)["Amazon"][1] == "dep"
    claims = extractor(Article("a", text)).claims
    assert {(claim.subject, claim.object) for claim in claims if claim.relation == "investsIn"} == {("Microsoft", "OpenAI")}


def test_a_verb_taken_for_a_noun_has_its_subject(extractor: Extractor) -> None:
    found = read(extractor, "The AI Act risks serving the interests of Big Tech.")
    assert found["Act"][1:] == ("nsubj", "risks")
